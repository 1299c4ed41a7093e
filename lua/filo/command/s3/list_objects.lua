---Lists of a bucket's objects: ListObjects, ListObjectsV2 and ListObjectVersions.

local buckets = require "filo.command.s3.buckets"
local crypto = require "filo.core.crypto"
local document = require "filo.command.s3.document"
local failure = require "filo.command.s3.failure"
local iso_time = require "filo.command.s3.iso_time"
local listing = require "filo.command.s3.listing"
local target = require "filo.http.target"

local MOST = 1000 -- entries of a page

local list_objects = {}

-- What is asked for ----------------------------------------------------------------------------------------------------------

---@class filo.s3.Asked
---@field prefix string
---@field delimiter? string
---@field most integer
---@field url boolean  names are written with escapes of URLs, for who cannot read all that XML can say

local function filled(text) return text ~= "" and text or nil end

---@return filo.s3.Asked?
---@return string? problem
local function asked(query)
  local most = filled(query["max-keys"]) or tostring(MOST)
  if not most:find "^%d+$" or #most > 10 or tonumber(most) > 0x7fffffff then
    return nil, "Argument max-keys must be an integer between 0 and 2147483647"
  end
  if query["encoding-type"] and query["encoding-type"] ~= "url" then return nil, "Invalid Encoding Method specified in Request" end
  return {
    prefix = query.prefix or "", delimiter = filled(query.delimiter), most = math.min(math.tointeger(tonumber(most)), MOST),
    url = query["encoding-type"] == "url",
  }
end

---@param node filo.Node
---@param bucket string
---@param given filo.s3.Asked
---@param after? string
---@return filo.s3.Page?  nil: there is no such bucket
local function page_of(node, bucket, given, after)
  if not buckets.is_name(bucket) then return nil end
  local page = listing.page(node, bucket, { prefix = given.prefix, delimiter = given.delimiter, after = after, most = given.most })
  local found = page.contents[1] or page.prefixes[1] or buckets.exists(node, bucket)
  return found and page or nil
end

-- What is answered -----------------------------------------------------------------------------------------------------------

---@param given filo.s3.Asked
---@param name string
local function written(given, name) return given.url and target.encode(name, "/") or name end

---@param object filo.s3.Object
---@return string
local function etag_of(object) return ('"%s"'):format(object.etag or ("%032x-1"):format(object.version)) end

---@param given filo.s3.Asked
---@param object filo.s3.Object
---@param owned? filo.s3.Element
---@return filo.s3.Element
local function contents(given, object, owned)
  return { "Contents", {
    { "Key", written(given, object.key) }, { "LastModified", iso_time(object.version) }, { "ETag", etag_of(object) },
    { "Size", object.size }, { "StorageClass", "STANDARD" }, owned,
  } }
end

---An answer: what all lists begin with, then what is said of this one, then its entries.
---@param root string
---@param bucket string
---@param given filo.s3.Asked
---@param page filo.s3.Page
---@param own filo.s3.Element[]
---@param entry fun(object: filo.s3.Object): filo.s3.Element
---@return table answer
local function answer(root, bucket, given, page, own, entry)
  local all = { { "Name", bucket }, { "Prefix", written(given, given.prefix) } }
  local function add(name, content)
    if content then all[#all + 1] = { name, content } end
  end
  add("Delimiter", given.delimiter and written(given, given.delimiter))
  add("MaxKeys", given.most)
  add("EncodingType", given.url and "url")
  add("IsTruncated", tostring(page.more ~= nil))
  table.move(own, 1, #own, #all + 1, all)
  for _, object in ipairs(page.contents) do all[#all + 1] = entry(object) end
  for _, prefix in ipairs(page.prefixes) do add("CommonPrefixes", { { "Prefix", written(given, prefix) } }) end
  return document.answer(root, all)
end

local function invalid(request, problem) return failure.of("InvalidArgument", problem, request.path) end

local function missing(request) return failure.of("NoSuchBucket", nil, request.path) end

---ListObjects.
---@param call filo.s3.Call
---@return table answer
function list_objects.v1(call)
  local node, request, bucket = call.node, call.request, call.bucket
  local given, problem = asked(request.query)
  if not given then return invalid(request, problem) end
  local marker = request.query.marker or ""
  local page = page_of(node, bucket, given, marker)
  if not page then return missing(request) end
  local own, owned = { { "Marker", written(given, marker) } }, { "Owner", document.owner(node) }
  if page.more and given.delimiter then own[2] = { "NextMarker", written(given, page.more) } end
  return answer("ListBucketResult", bucket, given, page, own, function(object) return contents(given, object, owned) end)
end

---ListObjectsV2. A token stands for the last name of the page before.
---@param call filo.s3.Call
---@return table answer
function list_objects.v2(call)
  local node, request, bucket = call.node, call.request, call.bucket
  local given, problem = asked(request.query)
  if not given then return invalid(request, problem) end
  local token, start = request.query["continuation-token"], request.query["start-after"]
  local after = filled(token) and crypto.unhex(token)
  if filled(token) and not after then return invalid(request, "The continuation token provided is incorrect") end
  local page = page_of(node, bucket, given, after or start)
  if not page then return missing(request) end
  local own = { { "KeyCount", #page.contents + #page.prefixes } }
  if start then own[#own + 1] = { "StartAfter", written(given, start) } end
  if token then own[#own + 1] = { "ContinuationToken", token } end
  if page.more then own[#own + 1] = { "NextContinuationToken", crypto.hex(page.more) } end
  local owned = request.query["fetch-owner"] == "true" and { "Owner", document.owner(node) } or nil
  return answer("ListBucketResult", bucket, given, page, own, function(object) return contents(given, object, owned) end)
end

---ListObjectVersions: the newest one of each object, as of a bucket that keeps no others: these, the policy's to say, are read by their
---numbers.
---@param call filo.s3.Call
---@return table answer
function list_objects.versions(call)
  local node, request, bucket = call.node, call.request, call.bucket
  local given, problem = asked(request.query)
  if not given then return invalid(request, problem) end
  local marker, version = request.query["key-marker"], filled(request.query["version-id-marker"])
  if version and not filled(marker) then return invalid(request, "A version-id marker cannot be specified without a key marker.") end
  local page = page_of(node, bucket, given, marker)
  if not page then return missing(request) end
  local own = { { "KeyMarker", written(given, marker or "") }, { "VersionIdMarker", version or "" } }
  local owned = { "Owner", document.owner(node) }
  if page.more then
    own[3] = { "NextKeyMarker", written(given, page.more) }
    local last = page.contents[#page.contents]
    if last and last.key == page.more then own[4] = { "NextVersionIdMarker", "null" } end
  end
  return answer("ListVersionsResult", bucket, given, page, own, function(object)
    local entry = contents(given, object, owned)
    entry[1] = "Version"
    table.insert(entry[2], 2, { "VersionId", "null" })
    table.insert(entry[2], 3, { "IsLatest", true })
    return entry
  end)
end

return list_objects
