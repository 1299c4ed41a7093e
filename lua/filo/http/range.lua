---Which bytes of a representation a request asks for (RFC 9110 sections 14.1 and 14.2).

local range = {}

local MOST = 32 -- ranges that one request may ask for

---@param text string  digits
---@return integer  the largest there is, for what does not fit
local function number_of(text) return #text > 18 and math.maxinteger or math.tointeger(tonumber(text)) --[[@as integer]] end

local function without_zeros(digits) return (digits:gsub("^0+(%d)", "%1")) end

---Compares digits, of which there may be too many for a number.
local function is_less(a, b) return #a < #b or #a == #b and a < b end

---@class filo.http.AskedRange
---@field from? integer
---@field to? integer  the last byte
---@field suffix? integer  so many bytes at the end

---@param element string  between two commas
---@return filo.http.AskedRange?  nil: it is none
local function element_of(element)
  local first, last = element:match "^[ \t]*(%d*)%-(%d*)[ \t]*$"
  if not first or first == "" and last == "" then return nil end
  if first == "" then return { suffix = number_of(without_zeros(last)) } end
  first = without_zeros(first)
  if last == "" then return { from = number_of(first), to = math.maxinteger } end
  last = without_zeros(last)
  if is_less(last, first) then return nil end
  return { from = number_of(first), to = number_of(last) }
end

---@return filo.http.AskedRange[]?  nil: the text is not well formed, or asks for too many
local function asked_for(text)
  local unit, set = text:match "^([^=]*)=(.*)$"
  if not unit or unit:lower() ~= "bytes" then return nil end
  local asked = {}
  for element in set:gmatch "[^,]+" do
    if element:find "[^ \t]" then
      local each = element_of(element)
      if not each or #asked == MOST then return nil end
      asked[#asked + 1] = each
    end
  end
  return asked[1] and asked
end

---@return integer first
---@return integer last_exclusive  not after `first`: nothing of it is there
local function resolve(each, size)
  if each.suffix then return math.max(size - each.suffix, 0), size end
  return each.from, math.min(each.to, size - 1) + 1
end

local function overlap(a, b) return a ~= b and a[1] < b[2] and b[1] < a[2] end

local function overlaps_any(one, list)
  for _, other in ipairs(list) do
    if overlap(one, other) then return true end
  end
  return false
end

---More than two that overlap are an attack, or a mistake.
local function overlap_too_much(list)
  local count = 0
  for _, each in ipairs(list) do
    if overlaps_any(each, list) then count = count + 1 end
  end
  return count > 2
end

---What the value of a Range header asks for.
---@param text string
---@param size integer  of the representation
---@return integer[][]|false|nil  { first, last_exclusive } of each, in the order asked; false: none of it is there (416);
---nil: the header is to be ignored
function range.parse(text, size)
  local asked = asked_for(text)
  if not asked then return nil end
  local list = {}
  for _, each in ipairs(asked) do
    if size == 0 and each.suffix and each.suffix > 0 then return nil end -- is there, by the RFC, and no Content-Range can say so
    local first, last_exclusive = resolve(each, size)
    if first < last_exclusive then list[#list + 1] = { first, last_exclusive } end
  end
  if not list[1] then return false end
  return not overlap_too_much(list) and list or nil
end

---@param first integer
---@param last_exclusive integer
---@param size integer
---@return string  a Content-Range of status 206: "bytes 0-99/1234"
function range.content(first, last_exclusive, size) return ("bytes %d-%d/%d"):format(first, last_exclusive - 1, size) end

---@param size integer
---@return string  a Content-Range of status 416: "bytes */1234"
function range.unsatisfied(size) return ("bytes */%d"):format(size) end

return range
