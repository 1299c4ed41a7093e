---A policy, and another one for as long as the first cannot be met by the members that there are.

local described = require "filo.placement.described"
local keeping = require "filo.placement.keeping"
local part = require "filo.placement.part"

---@param first filo.Policy
---@param second filo.Policy
---@return filo.Policy
return function(first, second)
  part.check_one("otherwise", first, "quorum", "accept")
  part.check_one("otherwise", second, "quorum", "accept")
  local function place(object, members, here)
    local chosen = part.choose(first, object, members, here)
    local met = chosen.short == 0 and not chosen.lacking
    return part.place(met and first or second, object, members, here)
  end
  return described.describe({
    name = ("%s, otherwise %s"):format(first.name, second.name), place = place, grace = part.grace { first, second },
    keep_versions = keeping.most(first, second),
  }, "otherwise", first, second)
end
