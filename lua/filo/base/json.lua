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

local function to_hex(text) return (text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

---A copy of a value with clean texts. Notes the names of fields. What a field's text was goes into another field beside it, in hex.
local function clean_all(value, names)
  if type(value) == "string" then return clean(value) end
  if type(value) ~= "table" then return value end
  local copy = setmetatable({}, getmetatable(value))
  for name, each in pairs(value) do
    local exact = type(name) == "string" and type(each) == "string" and not utf8.len(each)
    if type(name) == "string" then name = clean(name) end
    names[name] = type(name) == "string" or nil
    copy[name] = clean_all(each, names)
    if exact then
      names[name .. "_hex"] = true
      copy[name .. "_hex"] = to_hex(each)
    end
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

---A value as JSON. An empty table is a list, `json.object {}` is not. A field `key` whose text is not UTF-8 has U+FFFD for what is none,
---and all its bytes in `key_hex`.
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

---Marks what a table has in a field as an object when it is empty.
---@param value table
---@param name string
---@return table value
function json.with_object(value, name)
  local fields = value[name]
  if type(fields) == "table" and next(fields) == nil then json.object(fields) end
  return value
end

return json
