---Which operation of S3 a request asks for, and what it needs a key for.

local attributes = require "filo.command.s3.attributes"
local buckets = require "filo.command.s3.buckets"
local copy = require "filo.command.s3.copy"
local delete = require "filo.command.s3.delete"
local get = require "filo.command.s3.get"
local list_objects = require "filo.command.s3.list_objects"
local multipart = require "filo.command.s3.multipart"
local post = require "filo.command.s3.post"
local put = require "filo.command.s3.put"
local settings = require "filo.command.s3.settings"
local tags = require "filo.command.s3.tags"
local upload_lists = require "filo.command.s3.upload_lists"

---@class filo.s3.Operation
---@field run fun(call: filo.s3.Call): any
---@field needs "read"|"write"|"list"|"each"|"form"  of all that begins with the name; list: with the prefix, too; each: it asks by itself,
---  of who is known; form: the form says who that is
---@field is_private? boolean  a key is needed where anybody may read, too

local operations = {}

local function reads(run) return { run = run, needs = "read" } end
local function writes(run) return { run = run, needs = "write" } end
local function lists(run) return { run = run, needs = "list" } end

local function of_keys(operation)
  operation.is_private = true
  return operation
end

---By what is in the query, "": nothing that has a meaning, and by methods.
local OF_BUCKETS = {
  [""] = {
    GET = lists(list_objects.v1), PUT = writes(buckets.create), DELETE = writes(buckets.delete), HEAD = lists(buckets.head),
    POST = { run = post, needs = "form" },
  },
  ["list-type"] = { GET = lists(list_objects.v2) },
  acl = { GET = lists(settings.bucket_acl), PUT = writes(settings.put_bucket_acl) },
  delete = { POST = { run = delete.objects, needs = "each" } },
  location = { GET = lists(buckets.location) },
  uploads = { GET = of_keys(lists(upload_lists.uploads)) },
  versions = { GET = lists(list_objects.versions) },
}

for name, run in pairs(settings.of_buckets) do OF_BUCKETS[name] = { GET = lists(run) } end

local OF_OBJECTS = {
  [""] = { GET = reads(get.object), HEAD = reads(get.head), PUT = writes(put.object), DELETE = writes(delete.object) },
  acl = { GET = reads(settings.object_acl), PUT = writes(settings.put_object_acl) },
  attributes = { GET = reads(attributes) },
  tagging = { GET = reads(tags.get), PUT = writes(tags.put), DELETE = writes(tags.delete) },
  uploadId = {
    GET = of_keys(reads(upload_lists.parts)), PUT = writes(multipart.put), POST = writes(multipart.complete),
    DELETE = writes(multipart.abort),
  },
  uploads = { POST = writes(multipart.create) },
}

local COPY, COPY_PART = writes(copy.object), writes(multipart.put_copy)

---What else a query may name, that is not done here.
local OTHER = {
  "analytics", "intelligent-tiering", "inventory", "legal-hold", "metadataConfiguration", "metadataTable", "metrics", "renameObject",
  "restore", "retention", "select", "session", "torrent",
}

---@param table_of table<string, table>
local function named(table_of, query)
  for _, name in ipairs(OTHER) do
    if query[name] then return name end
  end
  for name in pairs(table_of) do
    if name ~= "" and query[name] then return name end
  end
  return ""
end

---@param request filo.http.Request
---@param bucket? string
---@param key? string
---@return filo.s3.Operation?  nil: it is none that is known here
function operations.of(request, bucket, key)
  if not bucket then return request.method == "GET" and { run = buckets.list, needs = "each" } or nil end
  local all = key and OF_OBJECTS or OF_BUCKETS
  local name = named(all, request.query)
  local operation = all[name] and all[name][request.method]
  if name == "" and request.method == "PUT" and request.query.partNumber then return nil end -- of no upload
  if not operation or not key or not request.headers["x-amz-copy-source"] or request.method ~= "PUT" then return operation end
  return name == "" and COPY or name == "uploadId" and COPY_PART or operation
end

return operations
