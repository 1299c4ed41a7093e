---Whether copies may be made without a person: not where so many members are gone that something else is wrong, which copies do not mend.

local format = require "filo.base.format"

---Members that went away within so many seconds went at once.
local AT_ONCE = 600

---Whether many members went away at once: then something is wrong that copies do not mend, such as the line of this node.
local function many_gone_at_once(members)
  local times = {}
  for _, member in ipairs(members) do
    if member.state == "away" then times[#times + 1] = member.since end
  end
  table.sort(times)
  local most, first = 0, 1
  for i, since in ipairs(times) do
    while since - times[first] > AT_ONCE do first = first + 1 end
    most = math.max(most, i - first + 1)
  end
  return most >= 2 and most > 0.3 * (#members + 1) and most or nil
end

---Why nothing should be done without a person; nil: nothing is against it.
---@param members {state: "up"|"away", since: number}[]  all that have been connected here, ever
---@return string?
return function(members)
  local away = 0
  for _, member in ipairs(members) do away = away + (member.state == "away" and 1 or 0) end
  if 2 * away > #members + 1 then
    return ("%s of %d are away"):format(format.count(away, "member", "members"), #members + 1)
  end
  local gone = many_gone_at_once(members)
  return gone and ("%s of %d went away at once"):format(format.count(gone, "member", "members"), #members + 1)
end
