---JSON on one line, for programs that read what a command says.

local dkjson = require "filo.dkjson"
local sorted_keys = require "filo.base.sorted_keys"

local json = {}

local REPLACEMENT = "\u{FFFD}"

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
  return table.concat(parts, REPLACEMENT)
end

local function to_hex(text) return (text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

local clean_all

---What a field's text was goes into another field beside it, in hex.
local function add_field(copy, name, value, names)
  names[name] = true
  copy[name] = clean_all(value, names)
  if type(value) == "string" and not utf8.len(value) then
    names[name .. "_hex"] = true
    copy[name .. "_hex"] = to_hex(value)
  end
end

---In a list nothing can stand beside a text: it becomes an object.
local function clean_element(value, names)
  if type(value) == "string" and not utf8.len(value) then value = { text = value } end
  return clean_all(value, names)
end

---Fields whose names are not UTF-8 get others, each its own; what they were goes into another field, in hex.
local function add_unclean(copy, value, unclean, names)
  table.sort(unclean)
  local exact = {}
  for _, name in ipairs(unclean) do
    local shown = clean(name)
    while copy[shown] ~= nil do shown = shown .. REPLACEMENT end
    exact[shown] = to_hex(name)
    add_field(copy, shown, value[name], names)
  end
  if unclean[1] then add_field(copy, "names_hex", exact, names) end
end

---A copy of a value with clean texts. Notes the names of fields.
function clean_all(value, names)
  if type(value) == "string" then return clean(value) end
  if type(value) ~= "table" then return value end
  local copy, unclean = setmetatable({}, getmetatable(value)), {}
  for name, each in pairs(value) do
    if type(name) ~= "string" then
      copy[name] = clean_element(each, names)
    elseif utf8.len(name) then
      add_field(copy, name, each, names)
    else
      unclean[#unclean + 1] = name
    end
  end
  add_unclean(copy, value, unclean, names)
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
---and all its bytes in `key_hex`; in a list such a text is an object of `text` and `text_hex`. Where names of fields are not UTF-8, an
---object `names_hex` beside these has them by the names that they have here.
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
