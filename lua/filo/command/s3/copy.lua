---CopyObject.

local access = require "filo.command.web.access"
local buckets = require "filo.command.s3.buckets"
local conditions = require "filo.command.s3.conditions"
local document = require "filo.command.s3.document"
local errors = require "filo.base.errors"
local etag = require "filo.command.s3.etag"
local failure = require "filo.command.s3.failure"
local iso_time = require "filo.command.s3.iso_time"
local metadata = require "filo.command.s3.metadata"
local payload = require "filo.command.s3.payload"
local place = require "filo.command.s3.place"
local put = require "filo.command.s3.put"
local sums = require "filo.command.s3.sums"
local target = require "filo.http.target"

local copy = {}

---What x-amz-copy-source names.
---@return string? bucket
---@return string? key
---@return integer? version
local function source_of(text)
  local path, query = text:match "^/?([^?]*)%??(.*)$"
  local decoded = target.decode(path)
  local bucket, key = (decoded or ""):match "^([^/]+)/(.+)$"
  local id = query:match "^versionId=(.*)$"
  if query ~= "" and not id then return nil end
  local version = id and id ~= "null" and math.tointeger(tonumber(id:match "^%d+$")) or nil
  if id and id ~= "null" and not version then return nil end
  return bucket, key, version
end

---Opens what is copied.
---@param call filo.s3.Call
---@return filo.Object?
---@return table? failure
function copy.open_source(call)
  local bucket, key, version = source_of(call.request.headers["x-amz-copy-source"])
  if not bucket then return nil, failure.of("InvalidArgument", "x-amz-copy-source names no object: /BUCKET/KEY, escaped") end
  local name = place.name(bucket, key)
  if not access.allows(call.who, name, false) then return nil, failure.of "AccessDenied" end
  if not buckets.exists(call.node, bucket) then return nil, failure.of "NoSuchBucket" end
  local object, err = call.node:get(name, { version = version })
  if not object and version and err.code == "not_found" then return nil, failure.of "NoSuchVersion" end
  if not object then return nil, failure.from(err) end
  local problem = conditions.check_source(call.request, object)
  if not problem then return object end
  object:close()
  return nil, problem
end

local DIRECTIVES = { COPY = true, REPLACE = true }

---@return boolean? replaces
---@return table? failure
local function directive(call, name)
  local said = call.request.headers[name] or "COPY"
  if DIRECTIVES[said] then return said == "REPLACE" end
  return nil, failure.of("InvalidArgument", ("%s is COPY or REPLACE"):format(name))
end

---What the copy has beside its content: that of its source, or what the request says.
---@return table? fields
---@return table? failure
local function fields_of(call, object)
  local fields, problem = put.fields(call, call.request.headers)
  if not fields then return nil, problem end
  local replaces, replaces_tags
  replaces, problem = directive(call, "x-amz-metadata-directive")
  if replaces == nil then return nil, problem end
  replaces_tags, problem = directive(call, "x-amz-tagging-directive")
  if replaces_tags == nil then return nil, problem end
  local before, list, kept = metadata.kept(object), fields.s3.tags, fields.s3.acl
  if not replaces then
    fields = object.fields or {}
    fields.s3 = metadata.kept(object)
  end
  fields.s3.tags, fields.s3.acl = before.tags, kept
  if replaces_tags then fields.s3.tags = list end
  fields.s3.sums, fields.s3.composite, fields.s3.parts = before.sums, before.composite, before.parts
  return fields, nil, replaces or replaces_tags
end

---Whether it would be copied to itself. An old version is another thing than what took its place.
local function is_itself(call, object)
  local item = object.key == call.name and call.node:stat(call.name)
  return item and item.version == object.version
end

---Stores it; of what is here already, the rest only.
local function carry_out(call, object, fields, expected)
  if not is_itself(call, object) or object.from ~= "here" then
    return call.node:store(call.name, object, { fields = fields, etag = etag.of(object), expected = expected })
  end
  if expected == false then return errors.fail("exists", "it is there already") end
  if expected then return call.node:amend(call.name, { fields = fields, expected = expected }) end
  local receipt, err = metadata.amend(call.node, call.name, object.version, fields)
  if not receipt and err.code == "exists" then return errors.fail("busy", "it has changed meanwhile: try again") end
  return receipt, err
end

local function answer(receipt, tag, fields)
  local list, kind = sums.of { fields = fields }
  local elements = { { "LastModified", iso_time(receipt.version) }, { "ETag", '"' .. tag .. '"' } }
  table.move(sums.elements(list, kind), 1, 5, 3, elements)
  return document.answer("CopyObjectResult", elements)
end

---@param call filo.s3.Call
function copy.object(call)
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  local object <close>, problem = copy.open_source(call)
  if not object then return problem end
  local fields, wrong, changes = fields_of(call, object)
  if not fields then return wrong end
  if not changes and is_itself(call, object) then
    return failure.of("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing "
      .. "the object's metadata, storage class, website redirect location or encryption attributes.")
  end
  local expected
  expected, problem = conditions.expected(call)
  if problem then return problem end
  local receipt, err = carry_out(call, object, fields, expected)
  if not receipt then return payload.failure(err) end
  return answer(receipt, etag.of(object), fields)
end

return copy
