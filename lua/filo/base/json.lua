---JSON on one line, for programs that read what a command says.

local dkjson = require "filo.dkjson"
local sorted_keys = require "filo.base.sorted_keys"

local json = {}

---The text, with U+FFFD for each byte that is not UTF-8: JSON cannot carry others.
local function clean(text)
  local bad = select(2, utf8.len(text))
  local parts = {}
  while bad do
    parts[#parts + 1] = text:sub(1, bad - 1)
    text = text:sub(bad + 1)
    bad = select(2, utf8.len(text))
  end
  parts[#parts + 1] = text
  return table.concat(parts, "\u{FFFD}")
end

---A copy of a value with clean texts. Notes the names of fields.
local function clean_all(value, names)
  if type(value) == "string" then return clean(value) end
  if type(value) ~= "table" then return value end
  local copy = setmetatable({}, getmetatable(value))
  for name, each in pairs(value) do
    if type(name) == "string" then name = clean(name) end
    names[name] = type(name) == "string" or nil
    copy[name] = clean_all(each, names)
  end
  return copy
end

---The names in `first`, then the others in their order.
local function ordered(first, names)
  local list = {}
  for i, name in ipairs(first) do
    list[i] = name
    names[name] = nil
  end
  local others = sorted_keys(names)
  return table.move(others, 1, #others, #list + 1, list)
end

---A value as JSON. An empty table is a list, `json.object {}` is not.
---@param value any  nil, boolean, number, string, or a table of these
---@param first? string[]  names of fields that come first; the others follow in the order of their names
---@return string
function json.encode(value, first)
  local names = {}
  local copy = clean_all(value, names)
  return (dkjson.encode(copy, { keyorder = ordered(first or {}, names) }))
end

---Marks a table as an object, for one that may be empty.
---@param fields table
---@return table
function json.object(fields) return setmetatable(fields, { __jsontype = "object" }) end

return json
