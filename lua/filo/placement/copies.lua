---n copies in all, this node's own among them, at peers chosen by rendezvous hashing (Thaler and Ravishankar, 1998): every node
---ranks the peers for an object alike, and a peer that comes or goes moves only the copies that it ranks first for.

local format = require "filo.base.format"

---The rank of a peer for an object: 64 bits of FNV-1a over both names, mixed.
local function weight(key_hash, id)
  local h = 0xcbf29ce484222325
  for i = 1, #id do h = (h ~ id:byte(i)) * 0x100000001b3 end
  for i = 1, #key_hash do h = (h ~ key_hash:byte(i)) * 0x100000001b3 end
  h = (h ~ (h >> 33)) * 0xff51afd7ed558ccd
  h = (h ~ (h >> 33)) * 0xc4ceb9fe1a85ec53
  return h ~ (h >> 33)
end

local function ranked(object, peers)
  local list, weights = {}, {}
  for i, peer in ipairs(peers) do
    list[i] = peer
    weights[peer] = weight(object.key_hash, peer.id)
  end
  table.sort(list, function(a, b)
    if weights[a] == weights[b] then return a.id < b.id end
    return math.ult(weights[b], weights[a])
  end)
  return list
end

---A policy of n copies in all, this node's own among them.
---@param n integer  1 or more
---@return filo.Policy
return function(n)
  if math.type(n) ~= "integer" or n < 1 then error("policy.copies: an integer of 1 or more expected", 2) end
  return {
    name = format.count(n, "copy", "copies"),
    place = function(object, peers) return ranked(object, peers), n - 1 end,
    quorum = n,
    accept = function() return true end,
  }
end
