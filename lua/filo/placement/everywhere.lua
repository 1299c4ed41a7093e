---A copy at every member.

local described = require "filo.placement.described"

---@return filo.Policy
return function()
  return described.describe({ name = "a copy at every peer", place = function(_, members) return members end }, "everywhere")
end
