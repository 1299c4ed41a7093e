---A copy of a table, and of those in it.
local function copy(value)
  if type(value) ~= "table" then return value end
  local made = {}
  for name, each in pairs(value) do made[name] = copy(each) end
  return made
end

return copy
