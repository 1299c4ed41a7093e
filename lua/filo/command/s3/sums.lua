---Checksums of content, as clients give and ask for them.

local crypto = require "filo.core.crypto"
local failure = require "filo.command.s3.failure"
local metadata = require "filo.command.s3.metadata"

local sums = {}

---Bytes of each.
sums.SIZES = { crc32 = 4, crc32c = 4, crc64nvme = 8, sha1 = 20, sha256 = 32 }

---Those that are kept of an object: in elements of XML, and headers.
---@param item table
---@return table<string, string>  in Base64, by names; those of all parts end in "-N"
---@return "FULL_OBJECT"|"COMPOSITE"
function sums.of(item)
  local kept = metadata.kept(item)
  local list = {}
  local is_composite = kept.composite and math.type(kept.composite) == "integer"
  for name, raw in pairs(kept.sums or {}) do
    if sums.SIZES[name] and type(raw) == "string" then
      list[name] = crypto.base64(raw) .. (is_composite and ("-%d"):format(kept.composite) or "")
    end
  end
  return list, is_composite and "COMPOSITE" or "FULL_OBJECT"
end

---@param item table
---@param headers table<string, any>  gets them
function sums.tell(item, headers)
  local list, kind = sums.of(item)
  for name, text in pairs(list) do
    headers["x-amz-checksum-" .. name] = text
    headers["x-amz-checksum-type"] = kind
  end
end

---Whether an object has the checksum that the headers say, if they do.
---@param headers table<string, string>
---@param item table
---@return table? failure
function sums.compare(headers, item)
  local list = sums.of(item)
  for name in pairs(sums.SIZES) do
    local said = headers["x-amz-checksum-" .. name]
    if said and list[name] and said:gsub("%-%d+$", "") ~= list[name]:gsub("%-%d+$", "") then return failure.of "BadDigest" end
  end
  return nil
end

---@param list table<string, string>  in Base64, by names
---@param kind? string
---@return filo.s3.Element[]
function sums.elements(list, kind)
  local elements = {}
  for name, text in pairs(list) do elements[#elements + 1] = { "Checksum" .. name:upper(), text } end
  if kind and elements[1] then elements[#elements + 1] = { "ChecksumType", kind } end
  return elements
end

return sums
