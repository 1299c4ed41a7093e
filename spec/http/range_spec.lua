local quick = require "spec.support.quick"
local range = require "filo.http.range"

---Texts of ranges of a representation of 10000 bytes, as the RFC has it, or of another size.
local function assert_ranges(cases, size)
  for text, expected in pairs(cases) do assert.same(expected, range.parse(text, size or 10000), text) end
end

---Texts that are ignored.
local function assert_ignored(texts, size)
  for _, text in ipairs(texts) do assert.is_nil(range.parse(text, size or 10000), text:sub(1, 60)) end
end

describe("a range", function()
  it("is what the RFC's examples say", function()
    assert_ranges {
      ["bytes=0-499"] = { { 0, 500 } },
      ["bytes=500-999"] = { { 500, 1000 } },
      ["bytes=-500"] = { { 9500, 10000 } },
      ["bytes=9500-"] = { { 9500, 10000 } },
      ["bytes=0-0,-1"] = { { 0, 1 }, { 9999, 10000 } },
      ["bytes=0-0, 500-999 , -1"] = { { 0, 1 }, { 500, 1000 }, { 9999, 10000 } },
      ["bytes= 0-999, 4500-5499, -1000"] = { { 0, 1000 }, { 4500, 5500 }, { 9000, 10000 } },
      ["bytes=500-600,601-999"] = { { 500, 601 }, { 601, 1000 } },
      ["bytes=500-700,601-999"] = { { 500, 701 }, { 601, 1000 } },
    }
  end)

  it("ends where the representation does", function()
    assert_ranges({
      ["bytes=0-"] = { { 0, 10 } },
      ["bytes=0-9"] = { { 0, 10 } },
      ["bytes=0-10"] = { { 0, 10 } },
      ["bytes=9-9"] = { { 9, 10 } },
      ["bytes=9-123456"] = { { 9, 10 } },
      ["bytes=-10"] = { { 0, 10 } },
      ["bytes=-11"] = { { 0, 10 } },
      ["bytes=000-0000000000000000000000005"] = { { 0, 6 } },
    }, 10)
  end)

  it("of which nothing is there cannot be given", function()
    assert_ranges({
      ["bytes=10-"] = false,
      ["bytes=10-10"] = false,
      ["bytes=-0"] = false,
      ["bytes=-000"] = false,
      ["bytes=10-20,30-,-0"] = false,
      ["bytes=10-20,3-3,-0"] = { { 3, 4 } },
    }, 10)
    assert_ranges({ ["bytes=0-"] = false, ["bytes=0-0"] = false, ["bytes=-0"] = false }, 0)
  end)

  it("at the end of nothing is all of it", function()
    assert_ignored({ "bytes=-1", "bytes=0-,-5" }, 0)
  end)

  it("is in the order asked for", function()
    assert_ranges { ["bytes=5-5,3-3,-1,0-0"] = { { 5, 6 }, { 3, 4 }, { 9999, 10000 }, { 0, 1 } } }
  end)

  it("may have a neighbour that is empty", function()
    assert_ranges {
      ["bytes=0-1,,5-6"] = { { 0, 2 }, { 5, 7 } },
      ["bytes=,0-1"] = { { 0, 2 } },
      ["bytes= ,\t, 0-1 ,\t"] = { { 0, 2 } },
      ["Bytes=0-1"] = { { 0, 2 } },
      ["BYTES=0-1"] = { { 0, 2 } },
    }
  end)

  it("is ignored in another unit, or malformed", function()
    assert_ignored {
      "", "bytes", "bytes=", "bytes=,", "bytes= , ,", "=0-1", "0-1", "bits=0-1", "items=1", "bytes 0-1", "bytes =0-1", " bytes=0-1",
      "bytes=0", "bytes=-", "bytes=--1", "bytes=1--2", "bytes=1-2-3", "bytes=a-b", "bytes=0x0-0x1", "bytes=0 - 1", "bytes=0- 1",
      "bytes=1-0", "bytes=0-1,5-4", "bytes=0-1;2-3", "bytes=0-1 2-3", "bytes=0-1,x", "bytes=+0-1", "bytes=0.0-1", "bytes=1e3-",
      "bytes=0-1\0", "bytes=0-1\n", "bytes=*", "bytes=0-1/10", "bytes=\u{661}-", "bytes==0-1",
    }
  end)

  it("of numbers that no machine has does not wrap", function()
    assert_ranges {
      ["bytes=0-9223372036854775807"] = { { 0, 10000 } },
      ["bytes=0-9223372036854775808"] = { { 0, 10000 } },
      ["bytes=0-18446744073709551616"] = { { 0, 10000 } },
      ["bytes=1-" .. ("9"):rep(4000)] = { { 1, 10000 } },
      ["bytes=-" .. ("9"):rep(4000)] = { { 0, 10000 } },
      ["bytes=18446744073709551616-"] = false,
      ["bytes=18446744073709551616-18446744073709551617"] = false,
      ["bytes=9223372036854775807-9223372036854775807"] = false,
    }
    assert_ignored { "bytes=18446744073709551617-18446744073709551616", "bytes=18446744073709551616-1" }
    local largest = math.maxinteger
    assert.same({ { largest - 1, largest } }, range.parse("bytes=-1", largest))
    assert.same({ { 999999999999999999, largest } }, range.parse("bytes=999999999999999999-", largest))
  end)

  it("comes with 31 others at most", function()
    local parts = {}
    for i = 1, 32 do parts[i] = ("%d-%d"):format(i * 10, i * 10 + 1) end
    assert.equal(32, #range.parse("bytes=" .. table.concat(parts, ","), 10000))
    assert.equal(32, #range.parse("bytes=" .. table.concat(parts, ",,, ,"), 10000))
    assert.is_nil(range.parse("bytes=" .. table.concat(parts, ",") .. ",5-6", 10000))
    assert.is_nil(range.parse("bytes=" .. table.concat(parts, ",") .. ",20000-", 10000))
    assert.is_nil(range.parse("bytes=" .. ("0-,"):rep(100000), 10000))
  end)

  it("overlaps one other at most", function()
    assert_ranges {
      ["bytes=0-9,5-14,20-29"] = { { 0, 10 }, { 5, 15 }, { 20, 30 } },
      ["bytes=0-9,0-9"] = { { 0, 10 }, { 0, 10 } },
      ["bytes=0-9,10-19,20-29,30-39"] = { { 0, 10 }, { 10, 20 }, { 20, 30 }, { 30, 40 } },
      ["bytes=0-9,0-9,10000-,10000-"] = { { 0, 10 }, { 0, 10 } },
    }
    assert_ignored { "bytes=0-,0-,0-", "bytes=0-9,5-14,12-20", "bytes=0-9,5-14,100-109,105-114", "bytes=0-,5-5,7-7", "bytes=-5,0-,-1" }
  end)

  it("is looked for in the time of the text's length", function()
    for _, filler in ipairs { " ", ",", " ,", "-", "1", "0" } do
      local text = filler:rep(100000 // #filler)
      for _, each in ipairs { text, "bytes=" .. text, "bytes=0-" .. text .. "x", "bytes=" .. text .. "-" .. text } do
        quick(range.parse, each, 10)
      end
    end
  end)
end)

describe("Content-Range", function()
  it("tells the first and the last byte, and the size", function()
    assert.equal("bytes 0-99/1234", range.content(0, 100, 1234))
    assert.equal("bytes 1233-1233/1234", range.content(1233, 1234, 1234))
    assert.equal("bytes 0-9223372036854775806/9223372036854775807", range.content(0, math.maxinteger, math.maxinteger))
  end)

  it("tells the size where nothing of what was asked is there", function()
    assert.equal("bytes */1234", range.unsatisfied(1234))
    assert.equal("bytes */0", range.unsatisfied(0))
  end)
end)
