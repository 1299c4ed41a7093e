-- Three copies in two zones at least, none of them at phones; `store` waits for two. When a whole zone is gone, all of its objects get a
-- copy elsewhere after ten minutes, and it is told of.
--
--   filo sim scripts/schemes/zones.lua --faults partition,kill,rot
--
-- In node.lua, with this file beside it:
--
--   local scheme = dofile(... .. "/zones.lua")
--   return { listen = ":7171", about = { zone = "cellar" }, policy = scheme.policy, start = scheme.start }

local filo = require "filo"
local policy = filo.policy

local GRACE = 600 -- seconds for which a member that is away keeps its copies

-- How many members of a zone there are, and how many are away.
local function count(node, zone)
  local all, away = 0, 0
  for _, member in ipairs(node:members()) do
    if member.about.zone == zone then
      all, away = all + 1, away + (member.state == "away" and 1 or 0)
    end
  end
  return all, away
end

local function start(node)
  local gone = {}
  node:on("member_away", function(member)
    local zone = member.about.zone
    local all, away = count(node, zone)
    if zone and all == away and not gone[zone] then
      gone[zone] = true
      print(("zone %s is gone, all %d of it: in %d s its copies are made elsewhere"):format(zone, all, GRACE))
    end
  end)
  node:on("member_back", function(member)
    local zone = member.about.zone
    if zone and gone[zone] then
      gone[zone] = nil
      print(("zone %s is back"):format(zone))
    end
  end)
end

return {
  policy = policy.with({ quorum = 2, grace = GRACE }, policy.without("phone", policy.zones { copies = 3, zones = 2 })),
  start = start,
}
