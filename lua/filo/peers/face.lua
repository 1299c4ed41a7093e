---What scripts get of a peer, the same table each time: how it is as of when it was last heard of or listed.

local inside = require "filo.base.inside"

---Another node, connected; `node:request` asks it.
---@class filo.Peer
---@field id string  node ID, 64 hex digits
---@field address string  numeric address of the far end
---@field listen? string  where it says that it can be dialled
---@field about table  what its owner tells of it
---@field free? integer  bytes free in its store, as far as it has told
---@field rtt? number  seconds of the last ping, as of when the peers were last listed
---@field bulk boolean  streams of sealed objects go over a bulk line now
local Face = { __name = "filo.Peer" }

inside.seal(Face, "a peer", { "id", "address", "listen", "about", "free", "rtt", "bulk" })

function Face:__tostring() return tostring(inside.of(self)) end

---@param peer filo.peers.Peer
---@return filo.Peer
return function(peer) return inside.keep(setmetatable({}, Face), peer) end
