---What scripts get of a peer, the same table each time: what it was when it was last heard of or listed.

local copy = require "filo.base.copy"
local inside = require "filo.base.inside"

---Another node, connected; `node:request` asks it.
---@class filo.Peer
---@field id string  node ID, 64 hex digits
---@field address string  numeric address of the far end
---@field listen? string  where it says that it can be dialled
---@field about table  what its owner tells of it
---@field free? integer  bytes free in its store, as far as it has told
---@field rtt? number  seconds of the last ping, as of when the peers were last listed
local Face = { __name = "filo.Peer" }

function Face:__tostring() return ("peer %s at %s"):format(tostring(self.id):sub(1, 16), tostring(self.address)) end

---@param peer filo.peers.Peer
---@return filo.Peer
return function(peer)
  local face = { id = peer.id, address = peer.address, listen = peer.listen, about = copy(peer.about), free = peer.free, rtt = peer.rtt }
  return inside.keep(setmetatable(face, Face), peer)
end
