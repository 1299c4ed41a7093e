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

---Takes over what can be, and gives the names of the other options that differ, in order.
---@param node filo.Node
---@param options table  checked
---@return string[]
function configuring.apply(node, options)
  local before, now = node.options, {}
  for name, value in pairs(before) do now[name] = value end
  for name, rule in pairs(setup.NODE_RULES) do
    if rule.at_once then now[name] = options[name] end
  end
  node.options, node.policy = now, now.policy
  node.peer_list.settings.admission = setup.admission(now)
  node.peer_list.bootstrap:set(now.bootstrap)

  local later = {}
  for name in pairs(setup.NODE_RULES) do
    if not same(now[name], options[name]) then later[#later + 1] = name end
  end
  table.sort(later)
  return later
end

return configuring
