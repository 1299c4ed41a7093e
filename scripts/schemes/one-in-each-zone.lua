-- A copy in each zone, as far as there are peers of it: `about = { zone = "a" }` in the options of a node says where it is.
--
--   filo sim scripts/schemes/one-in-each-zone.lua --faults partition,kill,rot

local function zone_of(member) return member.zone or "" end

-- Who is first of its zone: one that holds a copy already, else the nearest, and of equals the one with the smaller ID.
local function is_better(a, b)
  if a.holds ~= b.holds then return a.holds end
  if (a.rtt or 1) ~= (b.rtt or 1) then return (a.rtt or 1) < (b.rtt or 1) end
  return a.id < b.id
end

-- One of each zone. When it refuses, this is asked again, without it: then another one of that zone is first.
local function place(_, members)
  table.sort(members, is_better)
  local chosen, seen = {}, {}
  for _, member in ipairs(members) do
    if not seen[zone_of(member)] then chosen[#chosen + 1] = member end
    seen[zone_of(member)] = true
  end
  return chosen
end

return {
  name = "one copy in each zone",
  place = place,
  -- `store` waits for one copy elsewhere, or for as many as there are zones if that is less; the others go on beside.
  quorum = function(_, placed) return math.min(2, #placed + 1) end,
  accept = function() return true end,
}
