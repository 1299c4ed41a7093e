---GetObjectAttributes: what is known of an object, as far as it is asked for.

local conditions = require "filo.command.s3.conditions"
local etag = require "filo.command.s3.etag"
local failure = require "filo.command.s3.failure"
local metadata = require "filo.command.s3.metadata"
local sums = require "filo.command.s3.sums"
local xml = require "filo.command.s3.xml"

local KNOWN = { ETag = true, Checksum = true, ObjectParts = true, StorageClass = true, ObjectSize = true }

---@return table<string, true>?
local function asked(text)
  local set = {}
  for name in (text or ""):gmatch "[^,%s]+" do
    if not KNOWN[name] then return nil end
    set[name] = true
  end
  return next(set) and set
end

local LIST_MOST = 1000

---A number in a header.
local function number_of(text, default)
  if not text then return default end
  return #text < 10 and math.tointeger(tonumber(text:match "^%d+$")) or nil
end

---The parts that an object was uploaded in, a page of them.
---@param runs {[1]: integer, [2]: integer}[]  sizes, and how many of that one follow
---@return filo.s3.Element[]
local function part_elements(runs, marker, most)
  local elements, count, shown = {}, 0, 0
  for _, run in ipairs(runs) do
    for number = math.max(count, marker) + 1, math.min(count + run[2], marker + most) do
      shown = number
      elements[#elements + 1] = { "Part", { { "PartNumber", number }, { "Size", run[1] } } }
    end
    count = count + run[2]
  end
  local head = {
    { "PartsCount", count }, { "PartNumberMarker", marker }, { "NextPartNumberMarker", math.max(shown, marker) }, { "MaxParts", most },
    { "IsTruncated", tostring(shown > 0 and shown < count) },
  }
  return table.move(elements, 1, #elements, #head + 1, head)
end

---@param call filo.s3.Call
return function(call)
  local set = asked(call.request.headers["x-amz-object-attributes"])
  if not set then return failure.of("InvalidArgument", "Invalid attribute name specified.") end
  local item, err = call.node:stat(call.name)
  if not item then return failure.from(err) end
  local problem = conditions.check(call.request, item)
  if problem then return problem end
  local list, kind = sums.of(item)
  local headers = call.request.headers
  local most, marker = number_of(headers["x-amz-max-parts"], LIST_MOST), number_of(headers["x-amz-part-number-marker"], 0)
  if not most or not marker then return failure.of "InvalidArgument" end
  local runs = metadata.kept(item).parts
  local elements = {}
  if set.ETag then elements[#elements + 1] = { "ETag", etag.of(item) } end
  if set.Checksum and next(list) then elements[#elements + 1] = { "Checksum", sums.elements(list, kind) } end
  if set.ObjectParts and runs then
    elements[#elements + 1] = { "ObjectParts", part_elements(runs, marker, math.min(most, LIST_MOST)) }
  end
  if set.StorageClass then elements[#elements + 1] = { "StorageClass", "STANDARD" } end
  if set.ObjectSize then elements[#elements + 1] = { "ObjectSize", item.size } end
  return {
    headers = { ["Content-Type"] = "application/xml", ["Last-Modified"] = item.version // 1000000 },
    body = xml.document("GetObjectAttributesResponse", elements),
  }
end
