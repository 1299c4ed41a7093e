---Turns of peers to have much read here: one at a time for each, and for all of them, who so keep one core busy at most.

local new_locks = require "filo.host.lock"

---@class filo.Turns
local Turns = {}
Turns.__index = Turns

---What fn(...) gives, in a peer's turn; an error when it has gone meanwhile.
---@param peer filo.peers.Peer
function Turns:serve(peer, fn, ...)
  local _ <close> = self.locks:take(peer.id)
  local _ <close> = self.locks:take "all"
  if peer.gone then return nil, peer.gone end
  return fn(...)
end

---@param host filo.Host
---@return filo.Turns
return function(host) return setmetatable({ locks = new_locks(host) }, Turns) end
