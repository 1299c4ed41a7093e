---The crowd: peers that came and are let in. There is room for so many; when one more comes, one leaves, be it that one.
---
---Whom somebody can push out who makes identities as he likes:
---  - nobody that this node has dialled or that is listed: there are as many as its owner wants;
---  - nobody who knows the cluster secret, while there is anybody else, whom a script has let in: to know it costs more than to be new;
---  - nobody who comes from another place than he, until he comes from so many that no place has more than another. Then each that
---    he brings pushes out anyone, at random: nobody can be aimed at, and what he brings pushes out his own as well. Who is pushed out
---    comes back in the same way. To keep those who are there would give all places to who was there first; to let the oldest go, or
---    by the order of the IDs, would let him choose whom.

local source = require "filo.peers.source"

local crowd = { REASON = "too many other peers are connected" }

---Those who came without having proved anything, or else all who came.
local function weakest(came, proven)
  local others = {}
  for _, peer in ipairs(came) do
    if not proven(peer) then others[#others + 1] = peer end
  end
  return others[1] and others or came
end

---The peer that has to leave, if there is one too many.
---@param host filo.Host
---@param peers filo.peers.Peer[]  all that are connected
---@param listed table<string, boolean>  by ID
---@param proven fun(peer: filo.peers.Peer): boolean  whether it knows the cluster secret
---@return filo.peers.Peer?
function crowd.one_too_many(host, peers, listed, proven)
  local came = {}
  for _, peer in ipairs(peers) do
    if not peer.connection:is_dialler() and not listed[peer.id] then came[#came + 1] = peer end
  end
  if #came <= host.limits.peers then return nil end
  return source.any(host, source.heaviest(weakest(came, proven), function(peer) return source.of(peer.address) end))
end

return crowd
