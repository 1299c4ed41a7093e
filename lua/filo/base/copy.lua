---A copy of a table, and of those in it.
local function copy(value)
  if type(value) ~= "table" then return value end
  local made = {}
  for name, each in pairs(value) do made[name] = type(each) == "table" and copy(each) or each end
  return made
end

return copy
