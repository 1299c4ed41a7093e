---A number of copies in all, in so many zones or more, this node's own among them. Members that name no zone count as of one zone together.

local described = require "filo.placement.described"
local format = require "filo.base.format"
local options = require "filo.base.options"
local rendezvous = require "filo.placement.rendezvous"

local MOST = 1000000

local function check_count(n) return (n < 1 or n > MOST) and "must be from 1 to 1000000" or nil end

local COUNT = { type = "integer", required = true, check = check_count }

local RULES = { copies = COUNT, zones = COUNT }

local function zone_of(member) return member.zone or "" end

---Those that hold a copy first, each part in the order that there is.
local function holders_first(ranked)
  local list = {}
  for _, holding in ipairs { true, false } do
    for _, member in ipairs(ranked) do
      if (member.holds == true) == holding then list[#list + 1] = member end
    end
  end
  return list
end

---The first of the order, but that places are left for as many zones as are missing; when there are not as many, others take these places.
---@return filo.placement.Member[] chosen, integer missing  zones
local function spread(order, wanted, zones, here)
  local chosen, passed, seen, missing = {}, {}, {}, zones
  local function see(member)
    if not seen[zone_of(member)] then missing = math.max(0, missing - 1) end
    seen[zone_of(member)] = true
  end
  if here then see(here) end
  for _, member in ipairs(order) do
    local fits = #chosen < wanted and (not seen[zone_of(member)] or wanted - #chosen > missing)
    table.insert(fits and chosen or passed, member)
    if fits then see(member) end
  end
  for i = 1, math.min(wanted - #chosen, #passed) do chosen[#chosen + 1] = passed[i] end
  return chosen, missing
end

---@param given {copies: integer, zones: integer}
---@return filo.Policy
return function(given)
  local checked = options.check("policy.zones", given, RULES)
  local copies, zones = checked.copies, checked.zones
  if zones > copies then error(("policy.zones: %d copies cannot be in %d zones"):format(copies, zones), 2) end
  local function place(object, members, here)
    local chosen, missing = spread(holders_first(rendezvous.rank(object, members)), copies - 1, zones, here)
    local lacking = missing > 0 and ("there are copies in %s only, and the policy wants them in %d"):format(
      format.count(zones - missing, "zone", "zones"), zones) or nil
    return chosen, copies - 1, lacking
  end
  return described.describe({
    name = ("%s in %s"):format(format.count(copies, "copy", "copies"), format.count(zones, "zone", "zones")), place = place,
  }, "zones", { copies = copies, zones = zones })
end
