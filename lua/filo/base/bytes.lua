---Numbers of bytes, as people write them in options: 1000, "500 MB", "1.5 TiB".

local format = require "filo.base.format"

local bytes = {}

---"MB" is a million bytes, "MiB" 2^20.
local UNITS = { [""] = 1, B = 1 }
for i, letter in ipairs { "K", "M", "G", "T", "P" } do UNITS[letter .. "B"], UNITS[letter .. "IB"] = 1000 ^ i, 1024 ^ i end

---@param given any
---@return integer?  nil: that is no number of bytes
function bytes.read(given)
  local number, unit = given, ""
  if type(given) == "string" then number, unit = given:match "^%s*(%d+%.?%d*)%s*(%a*)%s*$" end
  local times = UNITS[(unit or ""):upper()]
  return number and times and math.tointeger(tonumber(number) and math.floor(tonumber(number) * times + 0.5)) or nil
end

---Reads numbers of bytes in a table of options, in place.
---@param given table
---@param names string[]
---@return string? problem
function bytes.read_each(given, names)
  for _, name in ipairs(names) do
    local value = given[name]
    local read = value ~= nil and bytes.read(value)
    if value ~= nil and not (read and read >= 0) then
      return ("'%s' must be a number of bytes, or a text such as \"100 GB\", not '%s'"):format(name, format.printable(tostring(value)))
    end
    given[name] = read or nil
  end
end

return bytes
