---Reads the annotations of a Lua source (LuaCATS): what stands in `---` lines above functions and classes.

local annotations = {}

---@class filo.Annotation
---@field words string[]  lines of text
---@field params {name: string, type: string, words: string}[]
---@field returns {type: string, words: string}[]
---@field fields {name: string, type: string, words: string}[]
---@field class? string  the name, of a class
---@field owner? string  of a function: what stands before its name; of a class: the variable that holds it
---@field separator? string  ":" or "."
---@field name? string  of a function, if it has one
---@field arguments? string  with the parentheses

---True when a type goes on behind a blank: within brackets, or after what joins types.
local function goes_on(type_so_far)
  local open = 0
  for bracket in type_so_far:gmatch "[(){}<>]" do open = open + (bracket:find "[({<]" and 1 or -1) end
  return open > 0 or type_so_far:find "[,:|]$" ~= nil
end

---Splits a type from the words behind it.
local function split_type(text)
  local stop = 0
  repeat
    stop = text:find("%s", stop + 1) or #text + 1
  until stop > #text or not (goes_on(text:sub(1, stop - 1)) or text:find("^%s*|", stop))
  return text:sub(1, stop - 1), text:sub(stop):match "^%s*(.-)%s*$"
end

local tags = {}

function tags.param(found, text)
  local name, rest = text:match "^(%S+)%s*(.*)$"
  if not name then return end
  local kind, words = split_type(rest)
  if name:sub(-1) == "?" then name, kind = name:sub(1, -2), kind:gsub("%??$", "?", 1) end
  table.insert(found.params, { name = name, type = kind, words = words })
end

function tags.field(found, text)
  tags.param({ params = found.fields }, text)
end

tags["return"] = function(found, text)
  local kind, words = split_type(text)
  if words:find "^%.%.%." then kind, words = kind .. " ...", words:match "^%.%.%.%s*(.*)$" end
  table.insert(found.returns, { type = kind, words = words })
end

function tags.class(found, text) found.class = text:match "^[%w_.]+" end

local function new_block() return { words = {}, params = {}, returns = {}, fields = {} } end

local function add_line(block, text)
  local tag, rest = text:match "^@(%a+)%s*(.*)$"
  if tag and tags[tag] then return tags[tag](block, rest) end
  if not tag then table.insert(block.words, text) end
end

---The path and the arguments of a function that begins in the line; the path is empty when it has no name.
local function function_of(line)
  local before, path, arguments = line:match "^(.-)function%s*([%w_.:]*)%s*(%b())"
  if not before then return nil end
  return path ~= "" and path or before:match "([%w_.]+)%s*=%s*$" or "", arguments
end

local function describe(block, line)
  local path, arguments = function_of(line)
  if path then
    block.owner, block.separator, block.name = path:match "^(.-)([.:]?)([%w_]*)$"
    block.arguments = arguments
  elseif block.class then
    block.owner = line:match "^local ([%a_][%w_]*)"
  end
  return block
end

---@param source string
---@return table<integer, filo.Annotation> functions  by the number of the line in which they begin, whether anything stands above or not
---@return table<string, filo.Annotation> classes  by name
function annotations.parse(source)
  local functions, classes = {}, {}
  local block, number = nil, 0
  for line in (source .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local text = line:match "^%s*%-%-%-(.*)$"
    if text then
      block = block or new_block()
      add_line(block, text:gsub("^ (%S)", "%1", 1))
    else
      local found = describe(block or new_block(), line)
      if found.arguments then functions[number] = found end
      if found.class then classes[found.class] = found end
      block = nil
    end
  end
  return functions, classes
end

return annotations
