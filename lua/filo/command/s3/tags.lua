---Tags of objects: names and values, ten at most.

local document = require "filo.command.s3.document"
local element = require "filo.command.s3.element"
local failure = require "filo.command.s3.failure"
local metadata = require "filo.command.s3.metadata"
local payload = require "filo.command.s3.payload"
local reading = require "filo.core.xml"
local target = require "filo.http.target"

local MOST, NAME_MOST, VALUE_MOST = 10, 128, 256 -- tags; characters

local tags = {}

local function length(text) return utf8.len(text) or math.huge end

---@param list {[1]: string, [2]: string}[]
---@return table? failure
local function check(list)
  if #list > MOST then return failure.of("BadRequest", "Object tags cannot be greater than 10") end
  local seen = {}
  for _, tag in ipairs(list) do
    if tag[1] == "" or length(tag[1]) > NAME_MOST then return failure.of("InvalidTag", "The TagKey you have provided is invalid") end
    if length(tag[2]) > VALUE_MOST then return failure.of("InvalidTag", "The TagValue you have provided is invalid") end
    if seen[tag[1]] then return failure.of("InvalidTag", "Cannot provide multiple Tags with the same key") end
    seen[tag[1]] = true
  end
  return nil
end

---Of x-amz-tagging: as in a query.
---@param text? string
---@return {[1]: string, [2]: string}[]?  nil: none
---@return table? failure
function tags.of_header(text)
  if not text or text == "" then return nil end
  local list = target.query(text)
  local problem = check(list)
  return not problem and list or nil, problem
end

---@return {[1]: string, [2]: string}[]?
local function of_document(text)
  local root = reading.parse(text)
  local set = root and root.name == "Tagging" and root[1]
  if not set or set.name ~= "TagSet" then return nil end
  local list = {}
  for i, tag in ipairs(set) do
    local parts = element.texts(tag)
    if tag.name ~= "Tag" or not parts.Key or not parts.Value then return nil end
    list[i] = { parts.Key, parts.Value }
  end
  return list
end

---@param call filo.s3.Call
---@param list? {[1]: string, [2]: string}[]
---@return filo.Receipt?, filo.Error?
local function set(call, list)
  return metadata.change(call.node, call.name, function(kept) kept.tags = list end)
end

---GetObjectTagging
---@param call filo.s3.Call
function tags.get(call)
  local item, err = call.node:stat(call.name)
  if not item then return failure.from(err) end
  local list = {}
  for i, tag in ipairs(metadata.kept(item).tags or {}) do list[i] = { "Tag", { { "Key", tag[1] }, { "Value", tag[2] } } } end
  return document.answer("Tagging", { { "TagSet", list } })
end

---PutObjectTagging
---@param call filo.s3.Call
function tags.put(call)
  local text, problem = payload.text(call)
  if not text then return problem end
  local list = of_document(text)
  if not list then return failure.of "MalformedXML" end
  problem = check(list)
  if problem then return problem end
  local receipt, err = set(call, list)
  if not receipt then return payload.failure(err) end
  return document.done()
end

---DeleteObjectTagging
---@param call filo.s3.Call
function tags.delete(call)
  local receipt, err = set(call, nil)
  if not receipt then return payload.failure(err) end
  return 204
end

return tags
