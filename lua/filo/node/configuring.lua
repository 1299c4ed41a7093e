---New options for a node that runs.

local setup = require "filo.node.setup"

local configuring = {}

---Whether two values say the same. Of two functions nobody knows; they count as the same.
local function same(a, b)
  if type(a) == "function" and type(b) == "function" then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for name, value in pairs(a) do
    if not same(value, b[name]) then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

---What holds from now on of the options of a node that runs when it is given others, and the names of those that differ and wait for a
---restart, in order.
---@param before table
---@param given table  checked
---@return table options, string[] later
function configuring.merge(before, given)
  local now, later = {}, {}
  for name, value in pairs(before) do now[name] = value end
  for name, rule in pairs(setup.NODE_RULES) do
    if rule.at_once then now[name] = given[name] end
    if not same(now[name], given[name]) then later[#later + 1] = name end
  end
  table.sort(later)
  return now, later
end

return configuring
