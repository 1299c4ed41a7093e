---Settings of buckets and objects that S3 has and Filo does not: how they are, for who asks; they are not changed here.

local buckets = require "filo.command.s3.buckets"
local document = require "filo.command.s3.document"
local element = require "filo.command.s3.element"
local failure = require "filo.command.s3.failure"
local payload = require "filo.command.s3.payload"
local put = require "filo.command.s3.put"
local reading = require "filo.core.xml"

local settings = {}

---Those of buckets that there are none of.
local NONE = {
  cors = "NoSuchCORSConfiguration", encryption = "ServerSideEncryptionConfigurationNotFoundError",
  lifecycle = "NoSuchLifecycleConfiguration", ["object-lock"] = "ObjectLockConfigurationNotFoundError",
  ownershipControls = "OwnershipControlsNotFoundError", policy = "NoSuchBucketPolicy", policyStatus = "NoSuchBucketPolicy",
  publicAccessBlock = "NoSuchPublicAccessBlockConfiguration",
  replication = "ReplicationConfigurationNotFoundError", tagging = "NoSuchTagSet", website = "NoSuchWebsiteConfiguration",
}

---Those that have a value.
local VALUES = {
  accelerate = { "AccelerateConfiguration", {} }, logging = { "BucketLoggingStatus", {} },
  notification = { "NotificationConfiguration", {} }, requestPayment = { "RequestPaymentConfiguration", { { "Payer", "BucketOwner" } } },
  versioning = { "VersioningConfiguration", {} },
}

---Of buckets, by what the query names.
---@type table<string, fun(call: filo.s3.Call): table>
settings.of_buckets = {}

for name, code in pairs(NONE) do
  settings.of_buckets[name] = function(call)
    return failure.of(buckets.exists(call.node, call.bucket) and code or "NoSuchBucket")
  end
end

for name, value in pairs(VALUES) do
  settings.of_buckets[name] = function(call)
    if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
    return document.answer(value[1], value[2])
  end
end

local function acl_of(node)
  local owner = document.owner(node)
  local grantee = 'Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
  return document.answer("AccessControlPolicy", {
    { "Owner", owner }, { "AccessControlList", { { "Grant", { { grantee, owner }, { "Permission", "FULL_CONTROL" } } } } },
  })
end

---Who may do what: the owner all, by keys.
---@param call filo.s3.Call
function settings.bucket_acl(call)
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  return acl_of(call.node)
end

---@param call filo.s3.Call
function settings.object_acl(call)
  local item, err = call.node:stat(call.name)
  if not item then return failure.from(err) end
  return acl_of(call.node)
end

---Whether a document says what is so anyway: the owner may do all, and nobody else anything.
local function says_the_same(text, id)
  local root = reading.parse(text)
  if not root or root.name ~= "AccessControlPolicy" then return false end
  for _, list in ipairs(root) do
    for _, grant in ipairs(list.name == "AccessControlList" and list or {}) do
      local grantee, permission = element.child(grant, "Grantee"), element.child(grant, "Permission")
      local grantee_id = grantee and element.child(grantee, "ID")
      if not grantee_id or grantee_id.text ~= id or not permission or permission.text ~= "FULL_CONTROL" then return false end
    end
  end
  return true
end

---Takes what changes nothing.
---@param call filo.s3.Call
function settings.put_acl(call)
  local problem = put.check_headers(call.request.headers)
  if problem then return problem end
  if call.request.headers["x-amz-acl"] then return 200 end
  local text
  text, problem = payload.text(call)
  if not text then return problem end
  return says_the_same(text, call.node.id) and 200 or failure.of "AccessControlListNotSupported"
end

return settings
