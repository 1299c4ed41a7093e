---What is made of parts: content, one after the other, and what is said of it.

local crc = require "filo.command.s3.crc"
local crypto = require "filo.core.crypto"
local failure = require "filo.command.s3.failure"
local payload = require "filo.command.s3.payload"

---Bytes of all parts but the last.
local PART_LEAST = 5 << 20

local PIECE = 1 << 20

local assembly = {}

---@param made filo.s3.Uploads
---@param named {number: integer, etag: string}[]
---@return filo.s3.Part[]?
---@return table? failure
local function check(made, upload, named)
  local list = {}
  for i, each in ipairs(named) do
    if i > 1 and each.number <= named[i - 1].number then return nil, failure.of "InvalidPartOrder" end
    local part = made:part(upload.id, each.number)
    if not part or part.etag ~= each.etag then return nil, failure.of "InvalidPart" end
    if i < #named and part.size < PART_LEAST then return nil, failure.of "EntityTooSmall" end
    list[i] = part
  end
  return list
end

---@param parts filo.s3.Part[]
local function etag_of(parts)
  local raw = {}
  for i, part in ipairs(parts) do raw[i] = crypto.unhex(part.etag:sub(1, 32)) end
  return ("%s-%d"):format(crypto.hex(crypto.digest("md5", table.concat(raw))), #parts)
end

---Sizes of the parts, each with how many of it follow.
local function runs_of(parts)
  local runs = {}
  for _, part in ipairs(parts) do
    local last = runs[#runs]
    if last and last[1] == part.size then last[2] = last[2] + 1 else runs[#runs + 1] = { part.size, 1 } end
  end
  return runs
end

---The checksum of all, from those of the parts; nil: some part has none.
---@return string?
local function sum_of(upload, parts)
  local name, raw, whole = upload.sum, {}, nil
  for i, part in ipairs(parts) do
    raw[i] = part.sums and part.sums[name]
    if not raw[i] then return nil end
    if upload.is_whole then whole = whole and crc.combine(name, whole, raw[i], part.size) or raw[i] end
  end
  if upload.is_whole then return whole end
  local text = table.concat(raw)
  return crc.is(name) and crc.of(name, text) or crypto.digest(name, text)
end

---Opens one part after the other, each once the one before was read.
---@return fun(): filo.Object?, filo.Error?
local function content_of(made, upload, parts)
  local at, open = 0, nil
  return function()
    if open then open:close() end
    at = at + 1
    if not parts[at] then return nil end
    local err
    open, err = made:open(upload.id, parts[at])
    if not open and err.code == "not_found" then return payload.refuse "InvalidPart" end
    return open, err
  end
end

---@param made filo.s3.Uploads
---@param upload filo.s3.Upload
---@param named {number: integer, etag: string}[]  the parts that are wanted
---@return {content: function, etag: string, fields: table}?
---@return table? failure
function assembly.of(made, upload, named)
  local parts, problem = check(made, upload, named)
  if not parts then return nil, problem end
  local fields = upload.fields
  local sum = upload.sum and sum_of(upload, parts)
  fields.s3.parts = runs_of(parts)
  fields.s3.sums = sum and { [upload.sum] = sum } or nil
  fields.s3.composite = sum and not upload.is_whole and #parts or nil
  return { content = content_of(made, upload, parts), etag = etag_of(parts), fields = fields }
end

---Bytes [first, last) of an object, for a part that is made of them.
---@param object filo.Object
---@param sum? string
function assembly.copy(object, first, last, sum)
  local md5 = crypto.hasher "md5"
  local other = sum and not crc.is(sum) and crypto.hasher(sum) or nil
  local said
  local function write(deposit)
    for at = first, last - 1, PIECE do
      local piece, err = object:range(at, math.min(PIECE, last - at))
      if not piece then return nil, err end
      md5:update(piece)
      if other then other:update(piece) end
      local ok, problem = deposit:write(piece)
      if not ok then return nil, problem end
    end
    return true
  end
  local function describe()
    said = said or { etag = crypto.hex(md5:finish()), sums = other and { [sum] = other:finish() } or nil }
    return said
  end
  return { write = write, describe = describe }
end

return assembly
