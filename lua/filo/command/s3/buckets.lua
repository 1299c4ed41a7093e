---Buckets: a bucket is there when any key begins with its name and a slash. CreateBucket stores an empty object of just that key, so that
---one without objects is there, too.

local acl = require "filo.command.s3.acl"
local crypto = require "filo.core.crypto"
local document = require "filo.command.s3.document"
local failure = require "filo.command.s3.failure"
local iso_time = require "filo.command.s3.iso_time"
local level = require "filo.command.level"
local listing = require "filo.command.s3.listing"
local payload = require "filo.command.s3.payload"
local read_xml = require "filo.core.xml".parse

local REGION = "us-east-1"

---Buckets of one answer.
local LIST_MOST = 10000

local buckets = {}

---Whether a bucket may be called so.
---@param name string
---@return boolean
function buckets.is_name(name)
  if #name < 3 or #name > 63 or name:find "[^%l%d.-]" then return false end
  if not name:find "^[%l%d].*[%l%d]$" or name:find "%.[.-]" or name:find "%-%." then return false end
  return not name:find "^%d+%.%d+%.%d+%.%d+$"
end

---@param node filo.Node
---@param bucket string
---@return boolean
function buckets.exists(node, bucket) return buckets.is_name(bucket) and listing.first(node, bucket) ~= nil end

---@return table answer
local function missing(request) return failure.of("NoSuchBucket", nil, request.path) end

-- All of them ----------------------------------------------------------------------------------------------------------------

---The buckets that may have objects whose names begin with a prefix.
---@return {name: string, first: filo.KeyItem}[]
local function with_prefix(node, prefix)
  local list, only = {}, prefix:match "^([^/]*)/"
  if only then
    local first = buckets.is_name(only) and listing.first(node, only)
    return first and { { name = only, first = first } } or {}
  end
  for name, first, is_folder in level(node, prefix, "/") do
    name = is_folder and name:sub(1, -2)
    if name and buckets.is_name(name) then list[#list + 1] = { name = name, first = first } end
  end
  table.sort(list, function(a, b) return a.name < b.name end) -- "a-b/" comes before "a/"
  return list
end

---What a request for all buckets limits them to. A token stands for the last name of the page before.
---@return {prefix: string, after: string, most: integer}?  nil: it makes no sense
local function limits_of(query)
  local text, token = query["max-buckets"], query["continuation-token"]
  local most = not text and LIST_MOST or #text < 10 and math.tointeger(tonumber(text:match "^%d+$"))
  local after = not token and "" or crypto.unhex(token)
  if not most or most < 1 or most > LIST_MOST or not after then return nil end
  return { prefix = query.prefix or "", after = after, most = most }
end

---ListBuckets: those that a key of access.lua may see.
---@param call filo.s3.Call
---@return table answer
function buckets.list(call)
  local list, node, limits, last, more = {}, call.node, limits_of(call.query), nil, nil
  if not limits then return failure.of "InvalidArgument" end
  for _, each in ipairs(with_prefix(node, call.who.prefix)) do
    if each.name > limits.after and each.name:sub(1, #limits.prefix) == limits.prefix then
      if #list == limits.most then
        more = last
        break
      end
      last = each.name
      list[#list + 1] = { "Bucket", { { "Name", each.name }, { "CreationDate", iso_time(each.first.version) } } }
    end
  end
  local elements = { { "Owner", document.owner(node) }, { "Buckets", list } }
  if call.query.prefix then elements[#elements + 1] = { "Prefix", limits.prefix } end
  if more then elements[#elements + 1] = { "ContinuationToken", crypto.hex(more) } end
  return document.answer("ListAllMyBucketsResult", elements)
end

-- One ------------------------------------------------------------------------------------------------------------------------

---What CreateBucket was sent: nothing, or where the bucket is to be, which is here in any case.
---@param call filo.s3.Call
---@return table? refusal
local function refusal_of(call)
  local text, problem = payload.text(call)
  if problem then return problem end
  if text == "" then return nil end
  local tree = read_xml(text)
  if tree and tree.name == "CreateBucketConfiguration" then return nil end
  return failure.of("MalformedXML", nil, call.request.path)
end

---CreateBucket. One that is there already is the caller's own.
---@param call filo.s3.Call
---@return table answer
function buckets.create(call)
  local node, request, bucket = call.node, call.request, call.bucket
  if not buckets.is_name(bucket) then return failure.of("InvalidBucketName", nil, request.path) end
  local refusal = refusal_of(call)
  if refusal then return refusal end
  local kept, problem = acl.of(call, request.headers)
  if problem then return problem end
  local marker = bucket .. "/"
  local first = listing.first(node, bucket)
  if kept or not first or first.key ~= marker then
    local receipt, err = node:store(marker, "", { fields = { s3 = { acl = kept } } })
    if not receipt then return failure.from(err, request.path) end
  end
  return { status = 200, headers = { Location = "/" .. bucket } }
end

---DeleteBucket.
---@param call filo.s3.Call
---@return table answer
function buckets.delete(call)
  local node, request, bucket = call.node, call.request, call.bucket
  if not buckets.exists(node, bucket) then return missing(request) end
  if not listing.is_empty(node, bucket) then return failure.of("BucketNotEmpty", nil, request.path) end
  local ok, err = node:delete(bucket .. "/")
  if not ok and err.code ~= "not_found" then return failure.from(err, request.path) end
  return { status = 204 }
end

---HeadBucket.
---@param call filo.s3.Call
---@return table answer
function buckets.head(call)
  local node, request, bucket = call.node, call.request, call.bucket
  if not buckets.exists(node, bucket) then return missing(request) end
  return { status = 200, headers = { ["x-amz-bucket-region"] = REGION } }
end

---GetBucketLocation, which says nothing of the region that is the default.
---@param call filo.s3.Call
---@return table answer
function buckets.location(call)
  local node, request, bucket = call.node, call.request, call.bucket
  if not buckets.exists(node, bucket) then return missing(request) end
  return document.answer("LocationConstraint")
end

return buckets
