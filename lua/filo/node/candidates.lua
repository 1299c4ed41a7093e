---Who could hold copies, as placement sees them: the members of the cluster, connected or not, other peers that are let in, and this node.

local new_gate = require "filo.host.gate"
local new_member = require("filo.placement.member").new

---@class filo.Candidates
---@field came table<filo.peers.Peer, number>  when each was let in
local Candidates = {}
Candidates.__index = Candidates

---A peer was let in.
---@param peer filo.peers.Peer
function Candidates:meet(peer)
  self.came[peer] = self.host.now()
  self.arrived:wake()
end

---Waits until one of these members is connected, or the deadline.
---@param ids string[]
---@param seconds number
---@return boolean
function Candidates:wait_for_any(ids, seconds)
  return self.arrived:wait_for(function()
    for _, id in ipairs(ids) do
      if self.peers:get(id) then return true end
    end
    return false
  end, seconds)
end

---A peer that is connected.
---@param peer filo.peers.Peer
---@return filo.placement.Member
function Candidates:of(peer)
  local entry, now = self.peers.members.roster.members[peer.id], self.host.now()
  local since = entry and entry.up and entry.since or self.came[peer] or now
  return new_member({
    id = peer.id, address = peer.address, listen = peer.listen, about = peer.about, free = peer.free, rtt = peer.rtt,
    addresses = entry and entry.addresses, capacity = entry and entry.capacity,
  }, entry and entry.decision == "draining" and "draining" or "up", now - since)
end

---A member that is not connected.
---@param entry filo.RosterEntry
---@return filo.placement.Member
local function absent(self, entry)
  return new_member({
    id = entry.id, listen = entry.addresses[1], addresses = entry.addresses, about = entry.about, capacity = entry.capacity,
  }, entry.decision == "draining" and "draining" or "away", self.host.now() - entry.since)
end

---Whether there is one at all.
---@return boolean
function Candidates:any() return self.peers:count() > 0 or self.peers.members.roster:list()[1] ~= nil end

---All but this node, in the order of their IDs.
---@return filo.placement.Member[]
function Candidates:list()
  local came, list = {}, {}
  for i, peer in ipairs(self.peers:list()) do came[peer], list[i] = self.came[peer], self:of(peer) end
  self.came = came -- without those that are gone
  for _, entry in ipairs(self.peers.members.roster:list()) do
    if not self.peers:get(entry.id) then list[#list + 1] = absent(self, entry) end
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list
end

---The members that have been connected here, ever: what others say of members that nobody has met says nothing of what is out of reach.
---@return {state: "up"|"away", since: number}[]
function Candidates:met()
  local list = {}
  for _, entry in ipairs(self.peers.members.roster:list()) do
    if entry.met then list[#list + 1] = { state = entry.up and "up" or "away", since = self.host.now() - entry.since } end
  end
  return list
end

---This node.
---@return filo.placement.Member
function Candidates:here()
  local node = { id = self.id, address = self.address, listen = self.address, about = self.about(), capacity = self.capacity }
  local entry = self.peers.members.roster.members[self.id]
  return new_member(node, entry and entry.decision == "draining" and "draining" or "up", self.host.now() - self.since)
end

---@param given {host: filo.Host, peers: filo.Peers, id: string, address: string?, capacity: integer?, about: fun(): table}
---  capacity: bytes of the file system
---@return filo.Candidates
return function(given)
  given.came, given.since, given.arrived = {}, given.host.now(), new_gate(given.host)
  return setmetatable(given, Candidates)
end
