---GetObject and HeadObject.

local buckets = require "filo.command.s3.buckets"
local conditions = require "filo.command.s3.conditions"
local failure = require "filo.command.s3.failure"
local metadata = require "filo.command.s3.metadata"
local range = require "filo.http.range"
local sums = require "filo.command.s3.sums"

---What of the answer a client may choose, who has signed that.
local CHOSEN = {
  ["response-cache-control"] = "Cache-Control", ["response-content-disposition"] = "Content-Disposition",
  ["response-content-encoding"] = "Content-Encoding", ["response-content-language"] = "Content-Language",
  ["response-content-type"] = "Content-Type", ["response-expires"] = "Expires",
}

---@return integer?
---@return table? failure
local function version_of(request)
  local text = request.query.versionId
  if not text or text == "null" then return nil end
  local version = math.tointeger(tonumber(text:match "^%d+$"))
  if version then return version end
  return nil, failure.of("InvalidArgument", "Invalid version id specified")
end

---@param err filo.Error
---@param version? integer
local function missing(call, err, version)
  if err.code ~= "not_found" then return failure.from(err) end
  if not buckets.exists(call.node, call.bucket) then return failure.of "NoSuchBucket" end
  return failure.of(version and "NoSuchVersion" or "NoSuchKey")
end

---Sets the headers that were chosen by the query. They are for who has signed it: else a link would make of an object what it likes.
---@return table? failure
local function choose(call, headers)
  for name, header in pairs(CHOSEN) do
    local value = call.query[name]
    if value and not call.who then return failure.of("InvalidRequest", "anonymous requests cannot choose headers") end
    if value and value:find "[%c\127]" then return failure.of("InvalidArgument", name .. " is no line of text") end
    if value then
      for given in pairs(headers) do
        if given:lower() == header:lower() then headers[given] = nil end
      end
      headers[header] = value
    end
  end
  return nil
end

---Bytes [first, last) of the part of a number; of what was not uploaded in parts, all is number 1.
---@return integer? first, integer? last, integer? count  nil: there is no such part
local function part_at(item, number)
  local list, first, count = metadata.kept(item).parts or { { item.size, 1 } }, 0, 0
  local from, to
  for _, run in ipairs(list) do
    local at = number - count
    if at >= 1 and at <= run[2] then from, to = first + (at - 1) * run[1], first + at * run[1] end
    first, count = first + run[1] * run[2], count + run[2]
  end
  return from, to, count
end

---Turns partNumber into the range that it is.
---@return table? failure
local function take_part(call, item, headers)
  local text = call.query.partNumber
  if not text then return nil end
  local number = math.tointeger(tonumber(text:match "^%d+$"))
  if not number or number < 1 or number > 10000 then return failure.of("InvalidArgument", "partNumber is 1 to 10000") end
  local first, last, count = part_at(item, number)
  if not first then return failure.of("InvalidPart", "there is no such part") end
  if metadata.kept(item).parts then headers["x-amz-mp-parts-count"] = count end
  if last > first then call.request.headers.range = ("bytes=%d-%d"):format(first, last - 1) end
  return nil
end

---@return table? headers
---@return table? failure
local function headers_of(call, item, version)
  local request = call.request
  local problem = conditions.check(request, item)
  if problem then return nil, problem end
  local headers = metadata.headers(item)
  if version then headers["x-amz-version-id"] = version end
  problem = choose(call, headers) or take_part(call, item, headers) or conditions.check_range(request, item.size)
  if problem then return nil, problem end
  if (request.headers["x-amz-checksum-mode"] or ""):upper() == "ENABLED" and not request.headers.range then sums.tell(item, headers) end
  return headers
end

local get = {}

---@param call filo.s3.Call
function get.object(call)
  local version, problem = version_of(call.request)
  if problem then return problem end
  local object, err = call.node:get(call.name, { version = version })
  if not object then return missing(call, err, version) end
  local headers
  headers, problem = headers_of(call, object, version)
  if headers then return { headers = headers, body = object } end
  object:close()
  return problem
end

---What is said of a part: its head has the length of that.
local function of_range(request, headers, size)
  local ranges = request.headers.range and range.parse(request.headers.range, size)
  if not ranges or ranges[2] then return 200, size end
  local first, last = ranges[1][1], ranges[1][2]
  headers["Content-Range"] = range.content(first, last, size)
  return 206, last - first
end

---@param call filo.s3.Call
function get.head(call)
  local version, problem = version_of(call.request)
  if problem then return problem end
  if version then return get.object(call) end
  local item, err = call.node:stat(call.name)
  if not item then return missing(call, err) end
  local headers
  headers, problem = headers_of(call, item)
  if not headers then return problem end
  local status, length = of_range(call.request, headers, item.size)
  headers["Content-Length"] = length
  return { status = status, headers = headers }
end

return get
