-- A copy in each zone, as far as there are peers of it: `about = { zone = "a" }` in the options of a node says where it is.
--
--   filo sim scripts/sim/one-in-each-zone.lua --faults partition,kill,rot

local function zone_of(peer) return tostring(peer.about.zone or "") end

-- Who is first of its zone: the nearest, and of equals the one with the smaller ID.
local function is_nearer(a, b)
  if (a.rtt or 1) ~= (b.rtt or 1) then return (a.rtt or 1) < (b.rtt or 1) end
  return a.id < b.id
end

-- First one of each zone, then the others, who are asked when one of these refuses.
local function place(_, peers)
  table.sort(peers, is_nearer)
  local chosen, others, seen = {}, {}, {}
  for _, peer in ipairs(peers) do
    local list = seen[zone_of(peer)] and others or chosen
    list[#list + 1] = peer
    seen[zone_of(peer)] = true
  end
  local wanted = #chosen
  table.move(others, 1, #others, wanted + 1, chosen)
  return chosen, wanted
end

return {
  name = "one copy in each zone",
  place = place,
  -- `store` waits for one copy elsewhere, or for as many as there are zones if that is less; the others go on beside.
  quorum = function(_, placed) return math.min(2, #placed + 1) end,
  accept = function() return true end,
}
