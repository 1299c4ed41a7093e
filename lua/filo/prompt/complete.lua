---Completes what stands before the cursor.
---
---Names: globals, keywords, fields of tables, methods; and, in the string that is a method's first argument, what another function knows
---of. Looks only into tables and into the tables that their metatables' __index names; calls nothing else.

local inside = require "filo.base.inside"
local sorted_keys = require "filo.base.sorted_keys"

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch "%a+" do KEYWORDS[#KEYWORDS + 1] = word end

local MAX_LINKS = 10
local LONGEST = 16384 -- bytes; what is longer was not typed

local function index_of(value)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__index") or nil
end

---Each table in which a field of the value is looked up, in order.
local function places(value)
  local list = {}
  for _ = 1, MAX_LINKS do
    local fields, class = inside.members(value)
    if fields then return table.move({ fields, class }, 1, 2, #list + 1, list) end
    if type(value) == "table" then list[#list + 1] = value end
    value = index_of(value)
    if value == nil then break end
  end
  return list
end

local function get(value, name)
  for _, place in ipairs(places(value)) do
    local found = rawget(place, name)
    if found ~= nil then return found end
  end
end

---The value of "a.b:c", up to the last name, which is what is to be completed.
local function resolve(globals, path)
  local value = globals
  for name in path:gmatch "([%a_][%w_]*)[.:]" do
    value = get(value, name)
    if value == nil then return nil end
  end
  return value
end

local function add_names(found, value, prefix, only_functions)
  for _, place in ipairs(places(value)) do
    for name, field in next, place do
      local fits = type(name) == "string" and name:sub(1, #prefix) == prefix and name:find "^[%a_][%w_]*$"
      local hidden = prefix == "" and name:sub(1, 1) == "_"
      if fits and not hidden and (type(field) == "function" or not only_functions) then found[name] = true end
    end
  end
end

---Where the string that the end of the text is within began, and its quote; 0 in a comment; nil outside of both.
local function open_string(text)
  local quote, start
  local i = 1
  while i <= #text do
    local char = text:sub(i, i)
    if quote then
      if char == "\\" then i = i + 1 elseif char == quote then quote, start = nil, nil end
    elseif char == '"' or char == "'" then
      quote, start = char, i
    elseif text:sub(i, i + 1) == "--" then
      return 0
    end
    i = i + 1
  end
  return start, quote
end

---What all begin with.
local function common_prefix(names)
  local prefix = names[1] or ""
  for _, name in ipairs(names) do
    while name:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local function complete_name(globals, text)
  local path = text:match "[%a_][%w_.:]*$"
  if not path or path:find "%.%." or text:sub(-#path - 1, -#path - 1):find "[.:]" then return "", {} end
  local separator, prefix = path:match "([.:]?)([%w_]*)$"
  local value = resolve(globals, path)
  if value == nil then return "", {} end
  local found = {}
  add_names(found, value, prefix, separator == ":")
  if separator == "" then
    for _, word in ipairs(KEYWORDS) do
      if word:sub(1, #prefix) == prefix then found[word] = true end
    end
  end
  local names = sorted_keys(found)
  return common_prefix(names):sub(#prefix + 1), names
end

-- Keys ------------------------------------------------------------------------------------------------------------------

---A key as it is typed between quotes.
local function quoted(key, quote)
  local escaped = key:gsub("[%c\\" .. quote .. "]", function(char)
    return char:find "%c" and ("\\%03d"):format(char:byte()) or "\\" .. char
  end)
  if utf8.len(escaped) then return escaped end
  return (escaped:gsub("[\x80-\xff]", function(char) return ("\\x%02x"):format(char:byte()) end))
end

---Without the beginning of a character at its end.
local function whole_characters(text)
  while text ~= "" and not utf8.len(text, utf8.offset(text, -1)) do text = text:sub(1, -2) end
  return text
end

---The first argument of a method, a string that has been begun.
local function complete_key(globals, before, typed, quote, keys)
  local path, method = before:match "([%a_][%w_.]*):([%a_][%w_]*)%s*%(?%s*$"
  local object = path and resolve(globals, path .. ".")
  local literal = load("return " .. quote .. typed .. quote, "=key", "t", {})
  if object == nil or not literal then return "", {} end
  local prefix = literal()
  local found, all = keys(object, method, prefix)
  local names = {}
  for i, key in ipairs(found) do names[i] = quoted(key, quote) end
  if not all then names[#names + 1] = "..." end
  if not all or #found == 0 then return "", names end
  if #found == 1 then return quoted(found[1]:sub(#prefix + 1), quote) .. quote, names end
  return quoted(whole_characters(common_prefix(found)):sub(#prefix + 1), quote), names
end

---@param globals table
---@param text string  the line up to the cursor
---@param keys fun(object: any, method: string, prefix: string): string[], boolean  what the method's first argument can be, and whether
---these are all
---@return string insert  what can be added at the cursor
---@return string[] names  that it could become
return function(globals, text, keys)
  if #text > LONGEST then return "", {} end
  local start, quote = open_string(text)
  if not start then return complete_name(globals, text) end
  if not quote then return "", {} end
  return complete_key(globals, text:sub(1, start - 1), text:sub(start + 1), quote, keys)
end
