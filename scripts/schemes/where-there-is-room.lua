-- Two copies in all: one here, one at the peer that has most room.
--
--   filo sim scripts/schemes/where-there-is-room.lua --faults full,kill --trace

local function has_more_room(a, b)
  if (a.free or 0) ~= (b.free or 0) then return (a.free or 0) > (b.free or 0) end
  return a.id < b.id
end

return {
  name = "two copies, where there is most room",
  place = function(_, peers)
    table.sort(peers, has_more_room)
    return peers, 1
  end,
  quorum = 2,
  -- Not <: a deletion is an offer of size 0, which a full disk takes, too.
  accept = function(offer, _, usage) return offer.size <= usage.free / 2, "it would take more than half of what is free here" end,
}
