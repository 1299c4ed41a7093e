---Settings of buckets and objects that S3 has and Filo does not: how they are, for who asks; they are not changed here.

local acl = require "filo.command.s3.acl"
local buckets = require "filo.command.s3.buckets"
local document = require "filo.command.s3.document"
local failure = require "filo.command.s3.failure"
local metadata = require "filo.command.s3.metadata"
local payload = require "filo.command.s3.payload"

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

---GetBucketAcl
---@param call filo.s3.Call
function settings.bucket_acl(call)
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  return acl.answer(call.node, acl.is_open(call.node, call.name))
end

---GetObjectAcl
---@param call filo.s3.Call
function settings.object_acl(call)
  local item, err = call.node:stat(call.name)
  if not item then return failure.from(err) end
  return acl.answer(call.node, acl.is_open(call.node, call.name))
end

---PutObjectAcl
---@param call filo.s3.Call
function settings.put_object_acl(call)
  local kept, problem = acl.asked(call)
  if problem then return problem end
  local receipt, err = metadata.change(call.node, call.name, function(own) own.acl = kept end)
  return receipt and document.done() or payload.failure(err)
end

---PutBucketAcl
---@param call filo.s3.Call
function settings.put_bucket_acl(call)
  local kept, problem = acl.asked(call)
  if problem then return problem end
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  local receipt, err = call.node:store(call.name, "", { fields = { s3 = { acl = kept } } })
  return receipt and document.done() or payload.failure(err)
end

return settings
