local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"

local hex = crypto.hex
local function raw(digits) return assert(crypto.unhex((digits:gsub("%s", "")))) end

---Expects that the bytes are refused, with nil and an error that says where.
local function refused(bytes, text)
  local value, err = cbor.decode(bytes)
  assert.is_nil(value)
  assert.is_truthy(err, "it was decoded: " .. hex(bytes))
  assert.equal("invalid", err.code)
  assert.matches(text or "no valid CBOR", err.message, 1, true)
end

describe("CBOR", function()
  -- RFC 8949 appendix A: what Filo writes itself
  local both_ways = {
    { 0, "00" }, { 1, "01" }, { 10, "0a" }, { 23, "17" }, { 24, "1818" }, { 25, "1819" }, { 100, "1864" },
    { 1000, "1903e8" }, { 1000000, "1a000f4240" }, { 1000000000000, "1b000000e8d4a51000" },
    { -1, "20" }, { -10, "29" }, { -100, "3863" }, { -1000, "3903e7" },
    { math.maxinteger, "1b7fffffffffffffff" }, { math.mininteger, "3b7fffffffffffffff" },
    { 1.1, "fb3ff199999999999a" }, { 1.0e+300, "fb7e37e43c8800759c" }, { -4.1, "fbc010666666666666" },
    { false, "f4" }, { true, "f5" }, { nil, "f6" },
    { "", "60" }, { "a", "6161" }, { "IETF", "6449455446" }, { "\"\\", "62225c" }, { "\u{fc}", "62c3bc" },
    { "\u{6c34}", "63e6b0b4" }, { "\u{10151}", "64f0908591" },
    { "\x01\x02\x03\xff", "44010203ff" },
    { {}, "a0" }, { { 1, 2, 3 }, "83010203" }, { { 1, { 2, 3 }, { 4, 5 } }, "8301820203820405" },
    { { a = 1 }, "a1616101" }, { { "a", { b = "c" } }, "826161a161626163" }, { { [0] = 1 }, "a10001" },
    { { [2] = 1 }, "a10201" },
    {
      { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25 },
      "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
    },
  }

  -- the same values written otherwise, and what Filo only reads
  local reads = {
    { 0.0, "f90000" }, { 1.0, "f93c00" }, { 1.5, "f93e00" }, { 65504.0, "f97bff" }, { 100000.0, "fa47c35000" },
    { 3.4028234663852886e+38, "fa7f7fffff" }, { 5.960464477539063e-8, "f90001" }, { -4.0, "f9c400" },
    { math.huge, "f97c00" }, { -math.huge, "fa ff800000" }, { math.huge, "fb7ff0000000000000" },
    { 0, "1b0000000000000000" }, { -1, "3800" }, { "a", "7b0000000000000001 61" }, { "\x01\x02", "42 0102" },
    { {}, "80" }, { { [1] = "a", [2] = "b" }, "a2 01 6161 02 6162" }, { { b = 1 }, "a2 6161 f6 6162 01" },
    { { 1, nil, 3 }, "83 01 f6 03" },
  }

  it("is written and read as in the RFC", function()
    for _, case in ipairs(both_ways) do
      assert.equal(case[2], hex(cbor.encode(case[1])))
      assert.same(case[1], (cbor.decode(raw(case[2]))))
    end
  end)

  it("is read however it was written", function()
    for _, case in ipairs(reads) do
      local value, err = cbor.decode(raw(case[2]))
      assert.is_nil(err)
      assert.same(case[1], value)
      assert.equal(math.type(case[1]), math.type(value))
    end
    local nan = cbor.decode(raw "f97e00")
    assert.is_true(nan ~= nan)
  end)

  it("keeps integers and floats apart", function()
    for _, number in ipairs { 0, 0.0, 1, 1.0, -1, -1.0, 2 ^ 53, 1 << 53, 1e308, 5e-324, math.pi } do
      local back = cbor.decode(cbor.encode(number))
      assert.equal(number, back)
      assert.equal(math.type(number), math.type(back))
    end
    assert.equal(-math.huge, 1 / cbor.decode(cbor.encode(-0.0)))
  end)

  it("writes text when it is valid UTF-8, else bytes", function()
    local texts = { "plain", "\u{7ff}\u{800}", "\u{d7ff}", "\u{e000}", "\u{10ffff}", ("x"):rep(100) .. "\u{20ac}", "\0" }
    for _, text in ipairs(texts) do
      assert.equal(3, cbor.encode(text):byte() >> 5)
      assert.equal(text, cbor.decode(cbor.encode(text)))
    end
    local others = {
      "\xff", "\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
      "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "12345678\xf0\x9f\x98", "\xc3\x28", "\xe2\x28\xa1", "\xe2\x82\x28",
    }
    for _, bytes in ipairs(others) do
      assert.equal(2, cbor.encode(bytes):byte() >> 5)
      assert.equal(bytes, cbor.decode(cbor.encode(bytes)))
    end
  end)

  it("carries strings of every length at the edges of the header", function()
    for _, len in ipairs { 0, 1, 23, 24, 255, 256, 65535, 65536, 1000000 } do
      local text = ("é"):rep(len)
      assert.equal(text, cbor.decode(cbor.encode(text)))
      local bytes = ("\xfe"):rep(len)
      assert.equal(bytes, cbor.decode(cbor.encode(bytes)))
    end
  end)

  it("takes 1 to n as an array and everything else as a map", function()
    local function major(value) return cbor.encode(value):byte() >> 5 end
    assert.equal(4, major { 1 })
    assert.equal(4, major { [1] = 1, [3] = 3, [2] = 2 })
    assert.equal(5, major {})
    assert.equal(5, major { 1, 2, x = 3 })
    assert.equal(5, major { [1] = 1, [3] = 3 })
    assert.equal(5, major { [0] = 0, 1 })
    assert.equal(5, major { 1, 2, 3, [-1] = 0 })
    assert.equal(5, major { [math.mininteger] = 1, [math.maxinteger] = 2 })
    local mixed = { 1, 2, x = { 3, y = false }, [-5] = "z" }
    assert.same(mixed, cbor.decode(cbor.encode(mixed)))
  end)

  it("calls no metamethods", function()
    local trap = setmetatable({ a = 1 }, {
      __index = function() error "called" end,
      __len = function() error "called" end,
      __pairs = function() error "called" end,
    })
    assert.same({ a = 1 }, cbor.decode(cbor.encode(trap)))
  end)

  it("refuses what it cannot carry, and names the field", function()
    local function raises(value, text)
      local ok, message = pcall(cbor.encode, value)
      assert.is_false(ok)
      assert.matches(text, message, 1, true)
    end
    raises(print, "cannot encode a function")
    raises({ body = { on_end = print } }, "cannot encode a function in field 'on_end'")
    raises({ list = { 1, coroutine.create(print) } }, "cannot encode a thread in field 'list'")
    raises(io.stdout, "cannot encode a userdata")
    raises({ [1.5] = 1 }, "keys other than strings and integers")
    raises({ a = { [true] = 1 } }, "keys other than strings and integers in field 'a'")
    local loop = {}
    loop.loop = loop
    raises(loop, "more than 16 deep in field 'loop'")
    assert.error_matches(function() cbor.encode() end, "value expected")
    assert.same({ 1 }, cbor.decode(cbor.encode { 1 }), "it works on after a failure")
  end)

  local function nested(depth)
    local value = "core"
    for _ = 1, depth do value = { value } end
    return value
  end

  it("goes 16 tables deep and no deeper", function()
    assert.same(nested(16), cbor.decode(cbor.encode(nested(16))))
    assert.error_matches(function() cbor.encode(nested(17)) end, "more than 16 deep")
    assert.is_truthy(cbor.decode(raw(("81"):rep(16)) .. "\0"))
    refused(raw(("81"):rep(17)) .. "\0", "too deep at byte 16")
    refused(raw(("a1 00"):rep(17)) .. "\0", "too deep")
    refused(("\x81"):rep(1000000), "too deep")
    refused(("\xa1\x00"):rep(500000), "too deep")
    refused(("\xc0"):rep(1000000), "unsupported")
  end)

  it("believes no count that the bytes cannot hold", function()
    for _, head in ipairs { "81", "9b7fffffffffffffff", "9bffffffffffffffff", "9affffffff", "99ffff", "9817" } do
      refused(raw(head))
      refused(raw(head) .. ("\0"):rep(7) .. "\x1b")
    end
    for _, head in ipairs { "a1", "bb7fffffffffffffff", "bbffffffffffffffff", "bb8000000000000000", "baffffffff", "b818" } do
      refused(raw(head))
      refused(raw(head) .. "\0")
    end
    for _, head in ipairs { "5bffffffffffffffff", "7bffffffffffffffff", "5b7fffffffffffffff", "5affffffff", "41", "61" } do
      refused(raw(head), "an end too early")
    end
    -- each level alone would fit, together they do not
    refused(raw(("99ff00"):rep(16)) .. ("\0"):rep(0xff00 + 16 * 3), "more items announced than can follow")
    refused(raw "82 82 01 02", "more items announced than can follow")
  end)

  it("refuses tags, undefined, indefinite lengths, simple values and reserved bytes", function()
    local bad = {
      "c074323031332d30332d32315432303a30343a30305a", "c1fb41d452d9e2000000", "d818456449455446", "d9d9f700", "f7", "f0",
      "f818", "f8ff", "5f42010243030405ff", "7f657374726561646d696e67ff", "9fff", "bfff", "ff", "1c", "1d", "1e", "1f",
      "3f", "5c", "7e", "dc", "fc", "fd", "fe", "c249010000000000000000",
    }
    for _, digits in ipairs(bad) do refused(raw(digits)) end
  end)

  it("refuses integers beyond 64 bits with sign", function()
    refused(raw "1b8000000000000000", "more than 64 bits")
    refused(raw "1bffffffffffffffff", "more than 64 bits")
    refused(raw "3b8000000000000000", "more than 64 bits")
    refused(raw "a1 3bffffffffffffffff 00", "more than 64 bits")
  end)

  it("refuses keys twice, keys of other kinds, broken text, and bytes at the end", function()
    refused(raw "a2 6161 01 6161 02", "a key twice at byte 4")
    refused(raw "a2 6161 01 4161 02", "a key twice")
    refused(raw "a2 6161 f6 6161 02", "a key twice")
    refused(raw "a2 6161 f6 6161 f6", "a key twice")
    refused(raw "a2 01 00 1801 00", "a key twice")
    refused(raw "a1 f5 01", "neither string nor integer")
    refused(raw "a1 f6 01", "neither string nor integer")
    refused(raw "a1 f93c00 01", "neither string nor integer")
    refused(raw "a1 80 01", "neither string nor integer")
    refused(raw "61 ff", "not UTF-8 at byte 0")
    refused(raw "a1 61 ff 01", "not UTF-8 at byte 1")
    refused(raw "00 00", "bytes after the value at byte 1")
    refused("", "an end too early")
  end)

  ---A message of every kind of value, as peers send them.
  local function sample()
    return {
      id = 4711, topic = "store", ok = true, no = false, ratio = 0.5, far = -1 << 40,
      body = { key = ("\xfe"):rep(32), name = "Bücher/ä ö.txt", sizes = { 1, 200, 70000, 1 << 33 }, none = {}, [7] = "seven" },
    }
  end

  it("refuses every truncation of a message", function()
    local bytes = cbor.encode(sample())
    assert.same(sample(), cbor.decode(bytes))
    for len = 0, #bytes - 1 do refused(bytes:sub(1, len)) end
  end)

  ---Decodes what may be anything: a value that can be encoded again, or an error. Plain comparisons: it runs often.
  local function survives(bytes)
    local value, err = cbor.decode(bytes)
    if err and (value ~= nil or err.code ~= "invalid") then error("after " .. hex(bytes)) end
    if not err then cbor.encode(value) end
  end

  it("encodes maps in the order of their encoded keys, whatever order Lua has them in", function()
    local names = {}
    for i = 1, 300 do names[i] = ("k"):rep(i % 30) .. i end
    local expected
    for turn = 1, 20 do
      local map = {}
      for i = 1, #names do
        local name = names[(i * 7 + turn * 31) % #names + 1]
        map[name] = { [name] = name, a = 1, [-1] = 2, [77] = 3 }
      end
      local bytes = cbor.encode(map)
      expected = expected or bytes
      assert.equal(expected, bytes)
      assert.same(map, (cbor.decode(bytes)))
    end
    assert.equal("\xa4\x03\1\x18\x64\2\x20\3\x61a\4", cbor.encode { a = 4, [-1] = 3, [100] = 2, [3] = 1 })
  end)

  -- 65,000 keys that Lua puts at the same place of a table took 15 s to read.
  it("takes a thousand integers as keys in all of a message, and no more; lists may be long", function()
    local list, maps = {}, {}
    for i = 1, 70000 do list[i] = i end
    assert.same(list, (cbor.decode(cbor.encode(list))))
    for i = 1, 10 do
      maps[i] = {}
      for k = 1, 100 do maps[i][k * 65535] = k end
    end
    local bytes = cbor.encode(maps)
    assert.same(maps, (cbor.decode(bytes)))
    maps[11] = { [7] = 1 }
    assert.error_matches(function() cbor.encode(maps) end, "more than 1000 integers as keys")
    local value, err = cbor.decode(raw "8b" .. bytes:sub(2) .. raw "a10701")
    assert.is_nil(value)
    assert.matches("too many integers as keys at byte", tostring(err))
    local flood = {}
    for i = 1, 65000 do flood[i] = string.pack(">BI4I1", 0x1a, i * 65535 & 0xffffffff, 0) end
    assert.is_nil((cbor.decode(string.pack(">BI2", 0xb9, #flood) .. table.concat(flood))))
  end)

  it("survives every change of a byte", function()
    local bytes = cbor.encode(sample())
    for at = 1, #bytes do
      local head, byte, tail = bytes:sub(1, at - 1), bytes:byte(at), bytes:sub(at + 1)
      for change = 1, 255 do survives(head .. string.char(byte ~ change) .. tail) end
    end
  end)

  ---A random generator of its own, so that a failure comes again.
  local function generator(seed)
    return function(last)
      seed = (seed * 6364136223846793005 + 1442695040888963407)
      return (seed >> 33) % last + 1
    end
  end

  local function random_value(random, depth)
    local makers = {
      function() return random(2) == 1 end,
      function() return random(1 << 30) * random(1 << 30) * (random(2) == 1 and 1 or -1) end,
      function() return random(1 << 30) / random(1 << 30) end,
      function()
        local bytes = {}
        for i = 1, random(20) do bytes[i] = string.char(random(256) - 1) end
        return table.concat(bytes)
      end,
      function()
        local list = {}
        for i = 1, random(5) do list[i] = random_value(random, depth + 1) end
        return list
      end,
      function()
        local map = {}
        for _ = 1, random(5) do
          map[random(2) == 1 and random(1000) or "k" .. random(1000)] = random_value(random, depth + 1)
        end
        return map
      end,
    }
    return makers[random(depth < 14 and #makers or 4)]()
  end

  it("carries random values there and back", function()
    local random = generator(1)
    for _ = 1, 300 do
      local value = random_value(random, 0)
      assert.same(value, (cbor.decode(cbor.encode(value))))
    end
  end)

  it("survives random bytes", function()
    local random = generator(2)
    for _ = 1, 5000 do
      local bytes = {}
      for i = 1, random(24) do bytes[i] = string.char(random(256) - 1) end
      survives(table.concat(bytes))
    end
  end)
end)
