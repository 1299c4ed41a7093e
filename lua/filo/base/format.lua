---Texts for people: sizes, times, keys.

local format = {}

local UNITS = { "KiB", "MiB", "GiB", "TiB", "PiB" }

---@param count number
---@return string  "17 B", "3.2 MiB"
function format.bytes(count)
  if count < 1024 then return ("%d B"):format(count // 1) end
  local unit = 0
  while count >= 1023.95 and unit < #UNITS do
    count = count / 1024
    unit = unit + 1
  end
  return ("%.1f %s"):format(count, UNITS[unit])
end

---@param seconds number
---@return string  "0:07", "12:34", "3:04:05"
function format.clock(seconds)
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60) end
  return ("%d:%02d"):format(s // 60, s % 60)
end

---@param seconds integer  since 1970
---@return string
function format.date(seconds) return os.date("%Y-%m-%d %H:%M:%S", seconds) --[[@as string]] end

local function hex(bytes) return (bytes:gsub(".", function(byte) return ("\\x%02x"):format(byte:byte()) end)) end

---A key, or another text that others may have written, on one line: what could talk to a terminal is shown as \xHH.
---@param text string
---@return string
function format.printable(text)
  if not utf8.len(text) then return (text:gsub("[^\32-\126]", hex)) end
  return (text:gsub("%c", hex):gsub("\xc2[\x80-\x9f]", hex)) -- U+0080 to U+009F
end

---@param number number
---@return string  "1,234", "0.5"
function format.number(number)
  local text, again = math.type(number) == "integer" and ("%d"):format(number) or ("%g"):format(number), 1
  while again > 0 do text, again = text:gsub("^(-?%d+)(%d%d%d)", "%1,%2") end
  return text
end

---@param count number
---@param one string
---@param many string
---@return string  "1 copy", "2 copies", "0.5 hours"
function format.count(count, one, many) return format.number(count) .. " " .. (count == 1 and one or many) end

local SHOWN = 4

---Texts of which there may be very many, on one line: the first few, each once.
---@param texts string[]
---@param separator string
---@return string  "there is no room for it (849 times); not today", "a, b, c, d and 12 others"
function format.several(texts, separator)
  local times, order = {}, {}
  for _, text in ipairs(texts) do
    if not times[text] then order[#order + 1] = text end
    times[text] = (times[text] or 0) + 1
  end
  local parts = {}
  for i = 1, math.min(SHOWN, #order) do
    local count = times[order[i]]
    parts[i] = count > 1 and ("%s (%s times)"):format(order[i], format.number(count)) or order[i]
  end
  local rest = #order - #parts
  return table.concat(parts, separator) .. (rest > 0 and " and " .. format.count(rest, "other", "others") or "")
end

return format
