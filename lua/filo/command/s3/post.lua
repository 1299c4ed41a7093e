---PostObject: an upload by a form, as a signed policy allows it.

local access = require "filo.command.web.access"
local authentication = require "filo.command.s3.authentication"
local buckets = require "filo.command.s3.buckets"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local failure = require "filo.command.s3.failure"
local form = require "filo.command.s3.form"
local payload = require "filo.command.s3.payload"
local place = require "filo.command.s3.place"
local policy = require "filo.command.s3.policy"
local put = require "filo.command.s3.put"
local signature = require "filo.command.s3.signature"
local sums = require "filo.command.s3.sums"
local target = require "filo.http.target"
local xml = require "filo.command.s3.xml"

---Whose policy it is.
---@return filo.HttpKey?
---@return table? failure
local function signer_of(call, fields)
  if not fields.policy then return nil, failure.of "AccessDenied" end
  local claim = signature.in_fields(fields)
  if not claim then return nil, failure.of("InvalidArgument", "the form has no signature by AWS4-HMAC-SHA256") end
  local key, problem = authentication.key(call.node.root, claim.id)
  if not key then return nil, problem end
  if not signature.fits(fields.policy, signature.key(key.secret, claim), claim.signature) then
    return nil, failure.of "SignatureDoesNotMatch"
  end
  return key
end

---@return table? failure
---@return filo.s3.Policy?
local function check_policy(fields, bucket)
  local allowed = policy.parse(fields.policy)
  if not allowed then return failure.of("InvalidPolicyDocument") end
  if allowed.expires < os.time() then return failure.of("AccessDenied", "Invalid according to Policy: Policy expired.") end
  local seen = {}
  for name, value in pairs(fields) do seen[name] = value end
  seen.bucket = bucket -- not what a field says
  local problem = policy.check(allowed, seen)
  if problem then return failure.of("AccessDenied", "Invalid according to Policy: " .. problem) end
  return nil, allowed
end

---The file, with its MD5, as far as it may be long.
local function content_of(pieces, allowed, md5)
  local bytes = 0
  return function()
    local piece, err = pieces()
    if err then return nil, err end
    bytes = bytes + #(piece or "")
    if bytes > allowed.most then return payload.refuse "EntityTooLarge" end
    if not piece and bytes < allowed.least then return payload.refuse "EntityTooSmall" end
    if piece then md5:update(piece) end
    return piece
  end
end

local STATUSES = { ["200"] = 200, ["201"] = 201, ["204"] = 204 }

---@param call filo.s3.Call
local function answer(call, fields, tag)
  local headers = { ETag = '"' .. tag .. '"' }
  local to = fields.success_action_redirect or fields.redirect
  if to and to:find "^https?://[\x21-\x7e]+$" then
    local query = ("bucket=%s&key=%s&etag=%%22%s%%22"):format(target.encode(call.bucket), target.encode(call.key), tag)
    headers.Location = to .. (to:find("?", 1, true) and "&" or "?") .. query
    return { status = 303, headers = headers }
  end
  local status = STATUSES[fields.success_action_status] or 204
  if status ~= 201 then return { status = status, headers = headers, body = status == 200 and "" or nil } end
  headers["Content-Type"] = "application/xml"
  return { status = 201, headers = headers, body = xml.document("PostResponse", {
    { "Bucket", call.bucket }, { "Key", call.key }, { "ETag", '"' .. tag .. '"' },
  }) }
end

---@param call filo.s3.Call
return function(call)
  local sent, err = form.read(call.request)
  if not sent then return failure.of(err.code == "invalid" and "MalformedPOSTRequest" or "RequestTimeout", errors.text(err)) end
  local fields = sent.fields
  if not sent.file then return failure.of("InvalidArgument", "POST requires exactly one file upload per request.") end
  if (fields.key or "") == "" then return failure.of("InvalidArgument", "the form has no field 'key'") end
  local who, problem = signer_of(call, fields)
  if not who then return problem end
  local wrong, allowed = check_policy(fields, call.bucket)
  if wrong then return wrong end
  local file_name = (sent.file_name or ""):match "[^/\\]*$"
  call.key = fields.key:gsub("%${filename}", function() return file_name end)
  if call.key == "" then return failure.of("InvalidArgument", "the file has no name, of which the key is made") end
  call.name = place.name(call.bucket, call.key)
  if not access.allows(who, call.name, true) then return failure.of "AccessDenied" end
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  for name in pairs(sums.SIZES) do
    if fields["x-amz-checksum-" .. name] then return failure.of("NotImplemented", "checksums in forms are not known here") end
  end
  local kept
  kept, problem = put.fields(call, fields)
  if not kept then return problem end
  local md5, tag = crypto.hasher "md5", nil
  local receipt, lost = call.node:store(call.name, content_of(sent.file, allowed, md5), { describe = function()
    tag = crypto.hex(md5:finish())
    return { fields = kept, etag = tag }
  end })
  if not receipt then return payload.failure(lost) end
  return answer(call, fields, tag)
end
