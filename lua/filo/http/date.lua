---Times as HTTP writes them (RFC 9110 section 5.6.7): always in UTC and in English, whatever the system is set to.

local date = {}

local DAYS = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local LONG_DAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local MONTHS = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }
local LENGTHS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

---A year has four digits.
local FIRST, LAST = -62167219200, 253402300799 -- 0000-01-01 00:00:00, 9999-12-31 23:59:59

local function made(seconds)
  local t = os.date("!*t", seconds)
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(DAYS[t.wday], t.day, MONTHS[t.month], t.year, t.hour, t.min, t.sec)
end

---Those that were asked for last: each answer has its own time, and that of what it is about.
local MOST = 256
local texts, count = {}, 0

---@param seconds integer  since 1970
---@return string?  "Sun, 06 Nov 1994 08:49:37 GMT"; nil: its year is not one of 0 to 9999
function date.format(seconds)
  local known = texts[seconds]
  if known then return known end
  if seconds < FIRST or seconds > LAST then return nil end
  if count == MOST then texts, count = {}, 0 end
  count = count + 1
  texts[seconds] = made(seconds)
  return texts[seconds]
end

local function numbered(names)
  local numbers = {}
  for i, name in ipairs(names) do numbers[name] = i end
  return numbers
end

local DAY, LONG_DAY, MONTH = numbered(DAYS), numbered(LONG_DAYS), numbered(MONTHS)

local function is_leap(year) return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end

---Years are counted from March here: a leap day is the last of its year.
---@return integer  seconds since 1970
local function seconds_of(year, month, day, hour, minute, second)
  local y = month > 2 and year or year - 1
  local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1 - 719468
  return ((days * 24 + hour) * 60 + minute) * 60 + second
end

---A leap second is the next day's first one.
local function is_time(hour, minute, second)
  local leap = hour == 23 and minute == 59 and second == 60
  return hour <= 23 and minute <= 59 and (second <= 59 or leap)
end

---@return integer?  seconds since 1970; nil: there is no such day or time
local function checked(year, month, day, hour, minute, second)
  local length = LENGTHS[month] + (month == 2 and is_leap(year) and 1 or 0)
  if day < 1 or day > length or not is_time(hour, minute, second) then return nil end
  return seconds_of(year, month, day, hour, minute, second)
end

---The last year that ends in two digits and has this time at most 50 years after now.
local function full_year(short, now, ...)
  local t = os.date("!*t", now)
  local year = t.year + 50 - (t.year + 50 - short) % 100
  local limit = seconds_of(t.year + 50, t.month, t.day, t.hour, t.min, t.sec)
  return seconds_of(year, ...) > limit and year - 100 or year
end

---What a format's pattern has found.
---@return integer?
local function parsed(is_day, month, year, now, ...)
  if not is_day or not month then return nil end
  local numbers = { month }
  for i, digits in ipairs { ... } do numbers[i + 1] = math.tointeger(tonumber(digits)) end
  local full = math.tointeger(tonumber(year))
  if #year == 2 then full = full_year(full, now or os.time(), table.unpack(numbers)) end
  return checked(full, table.unpack(numbers))
end

---A time in UTC.
---@return integer?  seconds since 1970; nil: there is no such day or time
function date.seconds(year, month, day, hour, minute, second)
  if month < 1 or month > 12 then return nil end
  return checked(year, month, day, hour, minute, second)
end

---Reads each of the three formats. The day of the week has to be one, and is not compared with the date.
---@param text string
---@param now? integer  for the years of two digits. Default: the clock's
---@return integer?  seconds since 1970; nil: the text is no date
function date.parse(text, now)
  local name, day, month, year, hour, minute, second = text:match "^(%a+), (%d%d) (%a+) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  if name then return parsed(DAY[name], MONTH[month], year, now, day, hour, minute, second) end
  name, day, month, year, hour, minute, second = text:match "^(%a+), (%d%d)%-(%a+)%-(%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  if name then return parsed(LONG_DAY[name], MONTH[month], year, now, day, hour, minute, second) end
  name, month, day, hour, minute, second, year = text:match "^(%a+) (%a+) ([%d ]%d) (%d%d):(%d%d):(%d%d) (%d%d%d%d)$"
  if name then return parsed(DAY[name], MONTH[month], year, now, day, hour, minute, second) end
  return nil
end

return date
