---Cyclic redundancy checks of short texts, and that of two texts one after the other from those of each (as zlib's crc32_combine). Those
---of content are made in C.

local crc = {}

---Reflected polynomials, and bytes.
local KINDS = {
  crc32 = { 0xedb88320, 4 }, crc32c = { 0x82f63b78, 4 }, crc64nvme = { 0x9a6c9329ac4bc9b5, 8 },
}

---@param name string
---@return boolean
function crc.is(name) return KINDS[name] ~= nil end

---@param name "crc32"|"crc32c"|"crc64nvme"
---@param text string
---@return string  4 or 8 bytes
function crc.of(name, text)
  local polynomial, size = KINDS[name][1], KINDS[name][2]
  local all = size == 8 and -1 or 0xffffffff
  local sum = all
  for at = 1, #text do
    sum = sum ~ text:byte(at)
    for _ = 1, 8 do sum = sum & 1 ~= 0 and (sum >> 1) ~ polynomial or sum >> 1 end
  end
  return (size == 8 and ">i8" or ">I4"):pack(sum ~ all)
end

---The product of two polynomials. The highest bit stands for 1.
local function multiply(a, b, polynomial, one)
  local product, bit = 0, one
  while bit ~= 0 do
    if a & bit ~= 0 then product = product ~ b end
    b = b & 1 ~= 0 and (b >> 1) ~ polynomial or b >> 1
    bit = bit >> 1
  end
  return product
end

---What a sum is multiplied with when so many bytes follow.
local function shift_of(count, polynomial, one)
  local power, result = one >> 8, one
  while count > 0 do
    if count & 1 ~= 0 then result = multiply(power, result, polynomial, one) end
    power = multiply(power, power, polynomial, one)
    count = count >> 1
  end
  return result
end

---The last one of each kind: most parts are of one size.
local shifts = {}

local function shift_for(name, count, one)
  local last = shifts[name]
  if not last or last.count ~= count then
    last = { count = count, shift = shift_of(count, KINDS[name][1], one) }
    shifts[name] = last
  end
  return last.shift
end

---@param name "crc32"|"crc32c"|"crc64nvme"
---@param first string  of the one text
---@param second string  of the one after it
---@param count integer  bytes of the second
---@return string  of both
function crc.combine(name, first, second, count)
  local polynomial, size = KINDS[name][1], KINDS[name][2]
  local format, one = ">I" .. size, 1 << (size * 8 - 1)
  if size == 8 then format = ">i8" end
  local sum = multiply(shift_for(name, count, one), (format:unpack(first)), polynomial, one)
  return format:pack(sum ~ format:unpack(second))
end

return crc
