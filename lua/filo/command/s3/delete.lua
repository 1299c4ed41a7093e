---DeleteObject and DeleteObjects.

local access = require "filo.command.web.access"
local buckets = require "filo.command.s3.buckets"
local conditions = require "filo.command.s3.conditions"
local document = require "filo.command.s3.document"
local element = require "filo.command.s3.element"
local errors = require "filo.base.errors"
local failure = require "filo.command.s3.failure"
local filo = require "filo"
local payload = require "filo.command.s3.payload"
local place = require "filo.command.s3.place"
local reading = require "filo.core.xml"

---Keys of one request, and how many of them are deleted at once.
local MOST, AT_ONCE = 1000, 16

local delete = {}

---What is not there is deleted.
local function remove(node, name, given)
  local ok, err = node:delete(name, given)
  if ok or err.code == "not_found" then return true end
  return nil, err
end

---@param call filo.s3.Call
function delete.object(call)
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  if call.query.versionId and call.query.versionId ~= "null" then
    return failure.of("NotImplemented", "single versions are not deleted: the policy says how many are kept")
  end
  local expected, problem = conditions.expected(call)
  if problem then return problem end
  if expected == false then return failure.of("NotImplemented", "If-None-Match is not for what is deleted") end
  local ok, err = remove(call.node, call.name, { expected = expected })
  if not ok then return failure.from(err) end
  return 204
end

---@return {key: string}[]? list
---@return boolean? quiet
local function parse(text)
  local root = reading.parse(text)
  if not root or root.name ~= "Delete" then return nil end
  local list, quiet = {}, false
  for _, child in ipairs(root) do
    if child.name == "Quiet" then quiet = child.text == "true" end
    if child.name == "Object" then
      local parts = element.texts(child)
      if not parts.Key or parts.Key == "" then return nil end
      list[#list + 1] = { key = parts.Key, version = parts.VersionId, etag = parts.ETag }
    end
  end
  return list, quiet
end

---@return filo.s3.Element?
local function problem_with(entry, code, message)
  return { "Error", { { "Key", entry.key }, { "Code", code }, { "Message", message } } }
end

local function remove_one(call, entry)
  local name = place.name(call.bucket, entry.key)
  if not access.allows(call.who, name, true) then return problem_with(entry, "AccessDenied", "Access Denied") end
  if entry.version and entry.version ~= "null" or entry.etag then
    return problem_with(entry, "NotImplemented", "single versions, and conditions, are not known here")
  end
  local ok, err = remove(call.node, name)
  local code = not ok and failure.code_of(err)
  if code then return problem_with(entry, code, code == "InternalError" and "see the server's log" or errors.text(err)) end
  return nil
end

---Deletes some at once.
---@return table<integer, filo.s3.Element>  what went wrong, by numbers of entries
local function remove_all(call, list)
  local problems, at, works = {}, 0, {}
  local function work()
    while at < #list do
      at = at + 1
      local mine = at
      problems[mine] = remove_one(call, list[mine])
    end
  end
  for i = 1, math.min(AT_ONCE, #list) do works[i] = work end
  filo.all(works)
  return problems
end

---@param call filo.s3.Call
function delete.objects(call)
  local text, problem = payload.text(call)
  if not text then return problem end
  local list, quiet = parse(text)
  if not list or #list == 0 or #list > MOST then return failure.of "MalformedXML" end
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  local problems, elements = remove_all(call, list), {}
  for i, entry in ipairs(list) do
    local deleted = not quiet and { "Deleted", { { "Key", entry.key } } } or nil
    elements[#elements + 1] = problems[i] or deleted
  end
  return document.answer("DeleteResult", elements)
end

return delete
