local date = require "filo.http.date"
local filo = require "filo"

local EXAMPLE = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT, as in the RFC
local NOW = 1764547200 -- Mon, 01 Dec 2025 00:00:00 GMT

describe("a date of HTTP", function()
  it("is written in UTC", function()
    assert.equal("Sun, 06 Nov 1994 08:49:37 GMT", date.format(EXAMPLE))
    assert.equal("Thu, 01 Jan 1970 00:00:00 GMT", date.format(0))
    assert.equal("Wed, 31 Dec 1969 23:59:59 GMT", date.format(-1))
    assert.equal("Tue, 29 Feb 2000 12:00:00 GMT", date.format(951825600))
    assert.equal("Fri, 31 Dec 9999 23:59:59 GMT", date.format(253402300799))
    assert.equal("Sat, 01 Jan 0000 00:00:00 GMT", date.format(-62167219200))
  end)

  it("is that of each second asked for, in any order", function()
    for _ = 1, 2 do
      for second = 58, 61 do
        assert.equal(("Thu, 01 Jan 1970 00:0%d:%02d GMT"):format(second // 60, second % 60), date.format(second))
        assert.equal("Thu, 01 Jan 1970 00:00:00 GMT", date.format(0))
      end
    end
  end)

  it("is not there for a year that has no four digits", function()
    for _, seconds in ipairs { 253402300800, -62167219201, math.maxinteger, math.mininteger } do
      assert.is_nil(date.format(seconds))
      assert.equal("Thu, 01 Jan 1970 00:00:00 GMT", date.format(0))
    end
  end)

  it("is read in each of the three formats", function()
    for _, text in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" } do
      assert.equal(EXAMPLE, date.parse(text), text)
    end
    assert.equal(EXAMPLE + 10 * 86400, date.parse "Wed Nov 16 08:49:37 1994")
  end)

  it("is an integer", function()
    for _, text in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" } do
      assert.equal("integer", math.type(date.parse(text)))
    end
  end)

  it("is read as it was written", function()
    local seconds = -62167219200
    while seconds <= 253402300799 do
      assert.equal(seconds, date.parse(date.format(seconds)))
      seconds = seconds + 86400 * 997 + 4271
    end
    for day = 0, 366 * 5 do assert.equal(day * 86400 + 1, date.parse(date.format(day * 86400 + 1))) end
  end)

  it("has a leap day in leap years only", function()
    local function last_of_february(year) return date.parse(("Mon, 29 Feb %04d 00:00:00 GMT"):format(year)) end
    for _, year in ipairs { 4, 1600, 1996, 2000, 2024, 2400 } do assert.is_truthy(last_of_february(year), year) end
    for _, year in ipairs { 1, 1700, 1900, 2023, 2026, 2100 } do assert.is_nil(last_of_february(year), year) end
  end)

  it("may have a leap second, at the end of a day", function()
    assert.equal(date.parse "Sun, 01 Jan 2017 00:00:00 GMT", date.parse "Sat, 31 Dec 2016 23:59:60 GMT")
    assert.is_nil(date.parse "Sat, 31 Dec 2016 22:59:60 GMT")
    assert.is_nil(date.parse "Sat, 31 Dec 2016 23:59:61 GMT")
  end)

  it("need not fall on the day of the week that it names", function()
    assert.equal(EXAMPLE, date.parse "Mon, 06 Nov 1994 08:49:37 GMT")
  end)

  it("is nothing else", function()
    local texts = {
      "", "0", "784111777", "Sun", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT\n",
      "Sun, 06 Nov 1994 08:49:37 GMT\0", "Sun, 06 Nov 1994 08:49:37 GMT; length=1", "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 30 Feb 1994 08:49:37 GMT", "Sun, 32 Jan 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
      "Sun, 06 Nov 19944 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
      "Foo, 06 Nov 1994 08:49:37 GMT", "Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 gmt",
      "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 31-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 25:49:37 GMT",
      "Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 1994 GMT", "Sun Nov  0 08:49:37 1994", "Sun Nov 31 08:49:37 1994",
      "Sunday Nov  6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 0x Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 +0000", ("S"):rep(100000), "Sun, " .. ("0"):rep(100000),
    }
    for _, text in ipairs(texts) do assert.is_nil(date.parse(text, NOW), text:sub(1, 60)) end
  end)

  it("is the same in all time zones", function()
    local code = ([[local date = require "filo.http.date"
      print(date.format(%d), date.parse "Sun, 06 Nov 1994 08:49:37 GMT", date.parse "Sun Nov  6 08:49:37 1994")]]):format(EXAMPLE)
    local child <close> = assert(io.popen(("TZ=XYZ-5:30 %s -e '%s'"):format(filo.program, code)))
    assert.equal(("Sun, 06 Nov 1994 08:49:37 GMT\t%d\t%d\n"):format(EXAMPLE, EXAMPLE), child:read "a")
  end)
end)

describe("a year of two digits", function()
  ---The year that is meant on the 1st of December 2025.
  local function year_of(text)
    local seconds = date.parse(text, NOW)
    return seconds and date.format(seconds):sub(6, 25)
  end

  it("is at most 50 years in the future", function()
    assert.equal("01 Dec 2025 00:00:00", year_of "Monday, 01-Dec-25 00:00:00 GMT")
    assert.equal("02 Dec 2025 00:00:00", year_of "Tuesday, 02-Dec-25 00:00:00 GMT")
    assert.equal("01 Jan 2026 00:00:00", year_of "Thursday, 01-Jan-26 00:00:00 GMT")
    assert.equal("31 Dec 1999 23:59:59", year_of "Friday, 31-Dec-99 23:59:59 GMT")
    assert.equal("01 Jan 2000 00:00:00", year_of "Saturday, 01-Jan-00 00:00:00 GMT")
    assert.equal("06 Nov 1994 08:49:37", year_of "Sunday, 06-Nov-94 08:49:37 GMT")
    assert.equal("31 Dec 2074 23:59:59", year_of "Monday, 31-Dec-74 23:59:59 GMT")
    assert.equal("31 Dec 1976 23:59:59", year_of "Friday, 31-Dec-76 23:59:59 GMT")
  end)

  it("is in the past from one second after these on", function()
    assert.equal("01 Dec 2075 00:00:00", year_of "Sunday, 01-Dec-75 00:00:00 GMT")
    assert.equal("01 Dec 1975 00:00:01", year_of "Sunday, 01-Dec-75 00:00:01 GMT")
    assert.equal("30 Nov 2075 23:59:59", year_of "Sunday, 30-Nov-75 23:59:59 GMT")
  end)

  it("is that of a leap year for a leap day", function()
    assert.equal("29 Feb 2000 00:00:00", year_of "Tuesday, 29-Feb-00 00:00:00 GMT")
    assert.is_nil(year_of "Tuesday, 29-Feb-01 00:00:00 GMT")
  end)

  it("is counted from the clock's now", function()
    local this_year = os.date "!*t".year
    local seconds = date.parse(("Monday, 01-Jan-%02d 00:00:00 GMT"):format(this_year % 100))
    assert.equal(("01 Jan %d"):format(this_year), date.format(seconds):sub(6, 16))
  end)
end)
