---What a node says of itself for the policies of others, under names in its option `about` that all know: `name`, `zone`, `tags` and
---`capacity`. What a peer says there may be anything.

local format = require "filo.base.format"

local facts = {}

local TEXT_MOST, TAGS_MOST = 64, 16

---Printable text of 1 to 64 bytes.
---@param value any
---@return boolean
function facts.is_text(value)
  return type(value) == "string" and #value >= 1 and #value <= TEXT_MOST and utf8.len(value) ~= nil and format.printable(value) == value
end

---The tags of a list, as a set; nil: it is no such list.
local function set_of(list)
  if type(list) ~= "table" then return nil end
  local set, count = {}, 0
  for _ in pairs(list) do count = count + 1 end
  if count > TAGS_MOST or count ~= #list then return nil end
  for _, tag in ipairs(list) do
    if not facts.is_text(tag) then return nil end
    set[tag] = true
  end
  return set
end

local function text_of(value) return facts.is_text(value) and value or nil end

---Bytes; 2e12 is a way to write them.
local function bytes_of(value)
  local bytes = type(value) == "number" and math.tointeger(value)
  return bytes and bytes > 0 and bytes or nil
end

local READERS = {
  { name = "name", read = text_of, expected = "printable text of 1 to 64 bytes" },
  { name = "zone", read = text_of, expected = "printable text of 1 to 64 bytes" },
  { name = "tags", read = set_of, expected = "a list of at most 16 tags, printable texts of 1 to 64 bytes" },
  { name = "capacity", read = bytes_of, expected = "a whole number of bytes above 0" },
}

---What is wrong with what a script wants to have said of its node; nil: nothing.
---@param about table
---@return string?
function facts.problem(about)
  for _, reader in ipairs(READERS) do
    local value = about[reader.name]
    if value ~= nil and reader.read(value) == nil then return ("'%s' must be %s"):format(reader.name, reader.expected) end
  end
end

---What a node says of itself. What makes no sense counts as not said.
---@param about table
---@return {name: string?, zone: string?, tags: table<string, true>, capacity: integer?}
function facts.of(about)
  local said = {}
  for _, reader in ipairs(READERS) do
    local value = about[reader.name]
    if value ~= nil then said[reader.name] = reader.read(value) end
  end
  said.tags = said.tags or {}
  return said
end

return facts
