---PutObject.

local acl = require "filo.command.s3.acl"
local buckets = require "filo.command.s3.buckets"
local conditions = require "filo.command.s3.conditions"
local failure = require "filo.command.s3.failure"
local metadata = require "filo.command.s3.metadata"
local payload = require "filo.command.s3.payload"
local sums = require "filo.command.s3.sums"
local tags = require "filo.command.s3.tags"

---Bytes of a key.
local KEY_MOST = 1024

local put = {}

---What is asked for that is not done here, and is not to be passed over.
local UNDONE = {
  ["x-amz-server-side-encryption-customer-algorithm"] = "keys of the client's own are not known here: all is encrypted by the node's",
  ["x-amz-object-lock-mode"] = "objects cannot be locked here", ["x-amz-object-lock-legal-hold"] = "objects cannot be locked here",
  ["x-amz-website-redirect-location"] = "redirects are not known here", ["x-amz-write-offset-bytes"] = "objects cannot be appended to here",
}

---@param headers table<string, string>
---@return table? failure
local function check_headers(headers)
  for name, why in pairs(UNDONE) do
    if headers[name] then return failure.of("NotImplemented", why) end
  end
  return nil
end

---What a new object has beside its content.
---@param call filo.s3.Call
---@param headers table<string, string>  of the request, or fields of a form
---@return table? fields
---@return table? failure
function put.fields(call, headers)
  if #call.key > KEY_MOST then return nil, failure.of "KeyTooLongError" end
  local problem = check_headers(headers)
  if problem then return nil, problem end
  local fields
  fields, problem = metadata.of(headers)
  if not fields then return nil, problem end
  fields.s3.acl, problem = acl.of(call, headers)
  if problem then return nil, problem end
  fields.s3.tags, problem = tags.of_header(headers["x-amz-tagging"])
  if problem then return nil, problem end
  return fields
end

---@param call filo.s3.Call
function put.object(call)
  local fields, problem = put.fields(call, call.request.headers)
  if not fields then return problem end
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  local expected
  expected, problem = conditions.expected(call)
  if problem then return problem end
  local came
  came, problem = payload.of(call)
  if not came then return problem end
  local tag
  local receipt, err = call.node:store(call.name, came.body, { expected = expected, describe = function()
    local code = came:check() or not buckets.exists(call.node, call.bucket) and "NoSuchBucket" or nil
    if code then return payload.refuse(code) end
    tag, fields.s3.sums = came:etag(), came:sums()
    return { fields = fields, etag = tag }
  end })
  if not receipt then return payload.failure(err) end
  local headers = { ETag = '"' .. tag .. '"' }
  sums.tell({ fields = fields }, headers)
  return { status = 200, headers = headers }
end

return put
