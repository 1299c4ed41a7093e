---Lists of uploads in parts that are on their way, and of their parts: ListMultipartUploads and ListParts.

local access = require "filo.command.web.access"
local buckets = require "filo.command.s3.buckets"
local document = require "filo.command.s3.document"
local etag = require "filo.command.s3.etag"
local failure = require "filo.command.s3.failure"
local iso_time = require "filo.command.s3.iso_time"
local multipart = require "filo.command.s3.multipart"
local place = require "filo.command.s3.place"
local sums = require "filo.command.s3.sums"
local target = require "filo.http.target"

local LIST_MOST = 1000

local lists = {}

---How names are written: as they are, or escaped, for who cannot read all that XML can say.
---@return (fun(text: string): string)?  nil: there is no such way
local function writer_of(kind)
  if kind == "url" then return function(text) return target.encode(text, "/") end end
  return not kind and function(text) return text end or nil
end

local function limit_of(text)
  if not text then return LIST_MOST end
  local limit = math.tointeger(tonumber(text:match "^%d+$"))
  return limit and math.min(limit, LIST_MOST)
end

---@param call filo.s3.Call
function lists.parts(call)
  local upload, problem = multipart.find(call)
  if not upload then return problem end
  local most = limit_of(call.query["max-parts"])
  local after = math.tointeger(tonumber((call.query["part-number-marker"] or "0"):match "^%d+$"))
  if not most or not after then return failure.of "InvalidArgument" end
  local elements, last, more = {}, after, false
  for _, number in ipairs(call.uploads:numbers(upload.id)) do
    local part = number > after and not more and call.uploads:part(upload.id, number)
    if part and #elements == most then
      more = true
    elseif part then
      last = number
      local told = {
        { "PartNumber", number }, { "LastModified", iso_time(part.time) }, { "ETag", etag.quote(part.etag) }, { "Size", part.size },
      }
      table.move(sums.elements(sums.of { fields = { s3 = { sums = part.sums } } }), 1, 1, 5, told)
      elements[#elements + 1] = { "Part", told }
    end
  end
  local head = {
    { "Bucket", call.bucket }, { "Key", call.key }, { "UploadId", upload.id }, { "PartNumberMarker", after },
    { "NextPartNumberMarker", last }, { "MaxParts", most }, { "IsTruncated", tostring(more) }, { "StorageClass", "STANDARD" },
    { "Initiator", document.owner(call.node) }, { "Owner", document.owner(call.node) },
  }
  if upload.sum then head[#head + 1] = { "ChecksumAlgorithm", upload.sum:upper() } end
  return document.answer("ListPartsResult", table.move(elements, 1, #elements, #head + 1, head))
end

---Those of a bucket that begin with a prefix, after a key and the ID of an upload of it.
local function uploads_of(call, prefix, key_marker, id_marker)
  local list = {}
  for _, upload in ipairs(call.uploads:list()) do
    local mine = upload.bucket == call.bucket and upload.key:sub(1, #prefix) == prefix
      and access.allows(call.who, place.name(upload.bucket, upload.key), false)
    local later = upload.key > key_marker or id_marker ~= "" and upload.key == key_marker and upload.id > id_marker
    if mine and (key_marker == "" or later) then list[#list + 1] = upload end
  end
  table.sort(list, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    return a.id < b.id
  end)
  return list
end

---@param call filo.s3.Call
---@param encoded fun(text: string): string
local function upload_element(call, upload, encoded)
  local owner = document.owner(call.node)
  return { "Upload", {
    { "Key", encoded(upload.key) }, { "UploadId", upload.id }, { "Initiator", owner }, { "Owner", owner },
    { "StorageClass", "STANDARD" }, { "Initiated", iso_time(upload.began) },
  } }
end

---A page of uploads, those with a common prefix as one entry.
---@param list filo.s3.Upload[]
---@param given {prefix: string, delimiter: string, most: integer, encoded: fun(text: string): string}
---@return filo.s3.Element[]
---@return filo.s3.Upload? last  when there are others
local function page_of(call, list, given)
  local elements, seen, last = {}, {}, nil
  for _, upload in ipairs(given.most > 0 and list or {}) do
    local stop = given.delimiter ~= "" and select(2, upload.key:find(given.delimiter, #given.prefix + 1, true))
    local common = stop and upload.key:sub(1, stop)
    if not common or not seen[common] then
      if #elements == given.most then return elements, last end
      if common then seen[common] = true end
      elements[#elements + 1] = common and { "CommonPrefixes", { { "Prefix", given.encoded(common) } } }
        or upload_element(call, upload, given.encoded)
    end
    last = upload
  end
  return elements
end

---@param call filo.s3.Call
function lists.uploads(call)
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  local query = call.query
  local most, encoded = limit_of(query["max-uploads"]), writer_of(query["encoding-type"])
  if not most or not encoded then return failure.of "InvalidArgument" end
  local given = { prefix = query.prefix or "", delimiter = query.delimiter or "", most = most, encoded = encoded }
  local list = uploads_of(call, given.prefix, query["key-marker"] or "", query["upload-id-marker"] or "")
  local elements, last = page_of(call, list, given)
  local head = {
    { "Bucket", call.bucket }, { "KeyMarker", encoded(query["key-marker"] or "") }, { "UploadIdMarker", query["upload-id-marker"] or "" },
    { "NextKeyMarker", last and encoded(last.key) or "" }, { "NextUploadIdMarker", last and last.id or "" },
    { "Prefix", encoded(given.prefix) }, { "Delimiter", encoded(given.delimiter) }, { "MaxUploads", most },
    { "IsTruncated", tostring(last ~= nil) },
  }
  return document.answer("ListMultipartUploadsResult", table.move(elements, 1, #elements, #head + 1, head))
end

return lists
