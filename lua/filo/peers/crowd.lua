---The crowd: peers that came and are let in. There is room for so many; when one more comes, one from where most have come leaves. Those
---that this node has dialled, and those that are listed, stay.

local source = require "filo.peers.source"

local crowd = { REASON = "too many other peers are connected" }

---The peer that has to leave for another, if one has.
---@param host filo.Host
---@param peers filo.peers.Peer[]  all that are connected
---@param newcomer filo.peers.Peer  one of them
---@param listed table<string, boolean>  by ID
---@return filo.peers.Peer?
function crowd.one_too_many(host, peers, newcomer, listed)
  local came = {}
  for _, peer in ipairs(peers) do
    if not peer.connection:is_dialler() and not listed[peer.id] then came[#came + 1] = peer end
  end
  if #came <= host.limits.peers then return nil end
  local others = {}
  for _, peer in ipairs(source.heaviest(came, function(peer) return source.of(peer.address) end)) do
    if peer ~= newcomer then others[#others + 1] = peer end
  end
  return others[1] and source.any(host, others)
end

return crowd
