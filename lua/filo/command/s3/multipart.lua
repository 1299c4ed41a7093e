---Uploads in parts: CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload, AbortMultipartUpload.

local assembly = require "filo.command.s3.assembly"
local buckets = require "filo.command.s3.buckets"
local conditions = require "filo.command.s3.conditions"
local copy = require "filo.command.s3.copy"
local document = require "filo.command.s3.document"
local element = require "filo.command.s3.element"
local etag = require "filo.command.s3.etag"
local failure = require "filo.command.s3.failure"
local iso_time = require "filo.command.s3.iso_time"
local payload = require "filo.command.s3.payload"
local put = require "filo.command.s3.put"
local reading = require "filo.core.xml"
local sums = require "filo.command.s3.sums"
local target = require "filo.http.target"

local PARTS_MOST = 10000

local multipart = {}

---The upload that a request is about.
---@param call filo.s3.Call
---@return filo.s3.Upload?
---@return table? failure
function multipart.find(call)
  local upload, err = call.uploads:find(call.query.uploadId)
  if upload and upload.bucket == call.bucket and upload.key == call.key then return upload end
  if upload or not err or err.code == "not_found" then return nil, failure.of "NoSuchUpload" end
  return nil, failure.from(err)
end

---Checksums of parts are made one of all content, or one of theirs.
---@return boolean? is_whole
---@return table? failure
local function kind_of_sum(headers, name)
  local kind = (headers["x-amz-checksum-type"] or ""):upper()
  if kind ~= "" and kind ~= "FULL_OBJECT" and kind ~= "COMPOSITE" then
    return nil, failure.of("InvalidRequest", "x-amz-checksum-type is FULL_OBJECT or COMPOSITE")
  end
  if kind ~= "" and not name then return nil, failure.of("InvalidRequest", "x-amz-checksum-type needs x-amz-checksum-algorithm") end
  if kind == "FULL_OBJECT" and name:find "^sha" or kind == "COMPOSITE" and name == "crc64nvme" then
    return nil, failure.of("InvalidRequest", ("The %s checksum type cannot be used with the %s checksum algorithm."):format(kind, name))
  end
  return kind == "FULL_OBJECT" or name == "crc64nvme"
end

---@param call filo.s3.Call
function multipart.create(call)
  local fields, problem = put.fields(call, call.request.headers)
  if not fields then return problem end
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  local headers = call.request.headers
  local sum = headers["x-amz-checksum-algorithm"] and headers["x-amz-checksum-algorithm"]:lower()
  if sum and not sums.SIZES[sum] then return failure.of("InvalidRequest", "Checksum algorithm provided is unsupported.") end
  local is_whole
  is_whole, problem = kind_of_sum(headers, sum)
  if problem then return problem end
  local id, err = call.uploads:begin { bucket = call.bucket, key = call.key, fields = fields, sum = sum, is_whole = is_whole }
  if not id then return failure.from(err) end
  local answer = document.answer("InitiateMultipartUploadResult", { { "Bucket", call.bucket }, { "Key", call.key }, { "UploadId", id } })
  answer.headers["x-amz-checksum-algorithm"] = sum and sum:upper() or nil
  answer.headers["x-amz-checksum-type"] = sum and (is_whole and "FULL_OBJECT" or "COMPOSITE") or nil
  return answer
end

---@return integer?
---@return table? failure
local function number_of(call)
  local number = math.tointeger(tonumber((call.query.partNumber or ""):match "^%d+$"))
  if number and number >= 1 and number <= PARTS_MOST then return number end
  return nil, failure.of("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
end

---@param call filo.s3.Call
function multipart.put(call)
  local number, problem = number_of(call)
  local upload
  if number then upload, problem = multipart.find(call) end
  if not upload then return problem end
  local came
  came, problem = payload.of(call, upload.sum)
  if not came then return problem end
  local tag, made
  local ok, err = call.uploads:keep(upload.id, number, came.body, function()
    local code = came:check()
    if code then return payload.refuse(code) end
    tag, made = came:etag(), came:sums()
    return { etag = tag, sums = made }
  end)
  if not ok and err.code == "not_found" then return failure.of "NoSuchUpload" end
  if not ok then return payload.failure(err) end
  local headers = { ETag = etag.quote(tag) }
  sums.tell({ fields = { s3 = { sums = made } } }, headers)
  headers["x-amz-checksum-type"] = nil
  return { status = 200, headers = headers }
end

---@return integer first
---@return integer last  the first that is not among it
---@return table? failure
local function copied_range(call, size)
  local text = call.request.headers["x-amz-copy-source-range"]
  if not text then return 0, size end
  local first, last = text:match "^bytes=(%d+)%-(%d+)$"
  first, last = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  if not first or not last or first > last then
    return 0, 0, failure.of("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last")
  end
  if last >= size then return 0, 0, failure.of("InvalidRange", "the range goes beyond the end of what is copied") end
  return first, last + 1
end

---@param call filo.s3.Call
function multipart.put_copy(call)
  local number, problem = number_of(call)
  local upload
  if number then upload, problem = multipart.find(call) end
  if not upload then return problem end
  local object <close>, wrong = copy.open_source(call)
  if not object then return wrong end
  local first, last, bad = copied_range(call, object.size)
  if bad then return bad end
  local copied = assembly.copy(object, first, last, upload.sum)
  local version, err = call.uploads:keep(upload.id, number, copied.write, copied.describe)
  if not version and err.code == "not_found" then return failure.of "NoSuchUpload" end
  if not version then return payload.failure(err) end
  return document.answer("CopyPartResult", { { "LastModified", iso_time(version) }, { "ETag", etag.quote(copied.describe().etag) } })
end

---The parts that are named; of one that comes twice in a row, as after it was sent again, the last.
---@return {number: integer, etag: string}[]?
local function parse(text)
  local root = reading.parse(text)
  if not root or root.name ~= "CompleteMultipartUpload" then return nil end
  local list = {}
  for _, child in ipairs(root) do
    local parts = element.texts(child)
    local number = math.tointeger(tonumber((parts.PartNumber or ""):match "^%s*(%d+)%s*$"))
    if child.name ~= "Part" or not number or not parts.ETag then return nil end
    local is_again = list[1] and list[#list].number == number
    list[is_again and #list or #list + 1] = { number = number, etag = parts.ETag:match '^%s*"?([%x-]+)"?%s*$' }
  end
  return list[1] and list or nil
end

---@param call filo.s3.Call
function multipart.complete(call)
  local text, problem = payload.text(call, true)
  if not text then return problem end
  local _ <close> = call.uploads.locks:take(call.query.uploadId)
  local done = call.uploads.done[call.query.uploadId]
  if done and done.name == call.name then return done.answer end
  local upload
  upload, problem = multipart.find(call)
  if not upload then return problem end
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  local named = parse(text)
  if not named then return failure.of "MalformedXML" end
  local whole
  whole, problem = assembly.of(call.uploads, upload, named)
  if not whole then return problem end
  problem = sums.compare(call.request.headers, { fields = whole.fields })
  if problem then return problem end
  local expected
  expected, problem = conditions.expected(call)
  if problem then return problem end
  local receipt, err = call.node:store(call.name, whole.content, { expected = expected, fields = whole.fields, etag = whole.etag })
  if not receipt then return payload.failure(err) end
  local list, kind = sums.of { fields = whole.fields }
  local elements = {
    { "Location", ("http%s://%s/%s"):format(call.request.secure and "s" or "", call.request.host, target.encode(call.name, "/")) },
    { "Bucket", call.bucket }, { "Key", call.key }, { "ETag", etag.quote(whole.etag) },
  }
  table.move(sums.elements(list, kind), 1, 2, 5, elements)
  local answer = document.answer("CompleteMultipartUploadResult", elements)
  call.uploads:finish(upload.id, call.name, answer)
  return answer
end

---@param call filo.s3.Call
function multipart.abort(call)
  local upload, problem = multipart.find(call)
  if not upload then return problem end
  call.uploads:drop(upload.id)
  return 204
end

return multipart
