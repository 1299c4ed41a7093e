local conditional = require "filo.http.conditional"
local quick = require "spec.support.quick"

local MODIFIED = 784111777
local BEFORE, SAME = "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"
local AFTER = "Sun, 06 Nov 1994 08:49:38 GMT"

local STRONG, WEAK = { etag = '"a"', modified = MODIFIED }, { etag = 'W/"a"', modified = MODIFIED }
local BARE, ABSENT = {}, { etag = '"a"', modified = MODIFIED, exists = false }

---Values of one header, and what they make of a request for a representation.
local function assert_statuses(method, name, validators, cases)
  for _, case in ipairs(cases) do
    local value, status = case[1], case[2]
    assert.equal(status, conditional.check(method, { [name] = value }, validators), method .. " " .. name .. ": " .. value:sub(1, 60))
  end
end

local function both(first, second)
  for _, each in ipairs(second) do first[#first + 1] = each end
  return first
end

---Lists that have the tag "a", and ones that have not.
local function with_tag(status)
  return { { '"a"', status }, { '"x", "a"', status }, { '"x","a","y"', status }, { ' ,, "a" ,\t, ', status }, { '"x,y" , "a"', status },
    { 'W/"x", "a"', status }, { '"\xe9", "a"', status } }
end

local function without_tag(status)
  return { { '"x"', status }, { '"A"', status }, { '"x,a"', status }, { '"a,b", "c"', status }, { '","', status }, { '""', status },
    { "", status }, { ",", status }, { '"*"', status } }
end

local function unreadable(status)
  return { { "a", status }, { '"a', status }, { 'a"', status }, { '"a" "a"', status }, { '"a""a"', status }, { "*, \"a\"", status },
    { '"a", *', status }, { "**", status }, { 'w/"a"', status }, { 'W"a"', status }, { 'W/ "a"', status }, { 'W/W/"a"', status },
    { "'a'", status }, { '"a";"b"', status }, { '"a", b', status }, { '"a\0"', status }, { '"a b", "a"', status },
    { '"a"\n', status }, { '", "', status }, { '"a\\"", "a"', status } }
end

describe("If-Match", function()
  it("wants one of its tags to be the representation's", function()
    for _, method in ipairs { "GET", "HEAD", "PUT", "DELETE", "PATCH" } do
      assert_statuses(method, "if-match", STRONG, both(with_tag(nil), without_tag(412)))
    end
  end)

  it("takes no weak tags", function()
    assert_statuses("PUT", "if-match", STRONG, { { 'W/"a"', 412 } })
    assert_statuses("PUT", "if-match", WEAK, { { 'W/"a"', 412 }, { '"a"', 412 } })
  end)

  it("that cannot be read is for nothing", function() assert_statuses("PUT", "if-match", STRONG, unreadable(412)) end)

  it("of a star wants something to be there", function()
    for _, validators in ipairs { STRONG, WEAK, BARE } do
      assert_statuses("PUT", "if-match", validators, { { "*", nil }, { " *\t", nil } })
    end
    assert_statuses("PUT", "if-match", ABSENT, { { "*", 412 }, { '"a"', 412 } })
  end)

  it("wants a tag where there is none", function() assert_statuses("PUT", "if-match", BARE, { { '"a"', 412 }, { '""', 412 } }) end)
end)

describe("If-None-Match", function()
  it("wants none of its tags to be the representation's", function()
    for _, method in ipairs { "GET", "HEAD" } do
      assert_statuses(method, "if-none-match", STRONG, both(with_tag(304), without_tag(nil)))
    end
    for _, method in ipairs { "PUT", "DELETE", "PATCH", "get" } do
      assert_statuses(method, "if-none-match", STRONG, both(with_tag(412), without_tag(nil)))
    end
  end)

  it("makes no difference between weak tags and strong ones", function()
    assert_statuses("GET", "if-none-match", STRONG, { { 'W/"a"', 304 }, { 'W/"b", W/"a"', 304 }, { 'W/"b"', nil } })
    assert_statuses("GET", "if-none-match", WEAK, { { 'W/"a"', 304 }, { '"a"', 304 }, { '"b"', nil } })
  end)

  it("of a star wants nothing to be there", function()
    for _, validators in ipairs { STRONG, WEAK, BARE } do
      assert_statuses("PUT", "if-none-match", validators, { { "*", 412 }, { " * ", 412 } })
      assert_statuses("GET", "if-none-match", validators, { { "*", 304 } })
    end
    assert_statuses("PUT", "if-none-match", ABSENT, { { "*", nil }, { '"a"', nil } })
    assert_statuses("GET", "if-none-match", ABSENT, { { "*", nil }, { '"a"', nil } })
  end)

  it("that cannot be read keeps what is there from a change", function()
    assert_statuses("GET", "if-none-match", STRONG, unreadable(nil))
    assert_statuses("PUT", "if-none-match", STRONG, unreadable(412))
  end)
end)

describe("If-Modified-Since", function()
  it("is for what has changed", function()
    for _, method in ipairs { "GET", "HEAD" } do
      assert_statuses(method, "if-modified-since", STRONG, { { BEFORE, nil }, { SAME, 304 }, { AFTER, 304 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", 304 }, { "Sun Nov  6 08:49:36 1994", nil } })
    end
  end)

  it("is ignored with other methods, without a time to compare with, and when it is no date", function()
    for _, method in ipairs { "PUT", "POST", "DELETE" } do assert_statuses(method, "if-modified-since", STRONG, { { AFTER, nil } }) end
    for _, validators in ipairs { BARE, ABSENT } do assert_statuses("GET", "if-modified-since", validators, { { AFTER, nil } }) end
    assert_statuses("GET", "if-modified-since", STRONG, { { "", nil }, { "tomorrow", nil }, { AFTER .. ", " .. AFTER, nil } })
  end)
end)

describe("If-Unmodified-Since", function()
  it("is for what has not changed", function()
    for _, method in ipairs { "GET", "HEAD", "PUT", "DELETE" } do
      assert_statuses(method, "if-unmodified-since", STRONG, { { BEFORE, 412 }, { SAME, nil }, { AFTER, nil } })
    end
  end)

  it("is ignored without a time to compare with, and when it is no date", function()
    for _, validators in ipairs { BARE, ABSENT } do assert_statuses("PUT", "if-unmodified-since", validators, { { BEFORE, nil } }) end
    assert_statuses("PUT", "if-unmodified-since", STRONG, { { "", nil }, { "yesterday", nil }, { "Sun, 30 Feb 1992 08:49:37 GMT", nil } })
  end)
end)

describe("conditions", function()
  local function check(method, headers) return conditional.check(method, headers, STRONG) end

  it("are not there without headers", function()
    for _, validators in ipairs { STRONG, WEAK, BARE, ABSENT } do assert.is_nil(conditional.check("GET", {}, validators)) end
    assert.is_nil(check("GET", { range = "bytes=0-1", ["if-range"] = '"x"' }))
  end)

  it("of tags go before those of times", function()
    assert.is_nil(check("PUT", { ["if-match"] = '"a"', ["if-unmodified-since"] = BEFORE }))
    assert.equal(412, check("PUT", { ["if-match"] = '"x"', ["if-unmodified-since"] = AFTER }))
    assert.is_nil(check("GET", { ["if-none-match"] = '"x"', ["if-modified-since"] = AFTER }))
    assert.equal(304, check("GET", { ["if-none-match"] = '"a"', ["if-modified-since"] = BEFORE }))
    assert.is_nil(check("GET", { ["if-none-match"] = "unreadable", ["if-modified-since"] = AFTER }))
  end)

  it("for what has not changed go before those for what has", function()
    assert.equal(412, check("GET", { ["if-match"] = '"x"', ["if-none-match"] = '"a"' }))
    assert.equal(412, check("GET", { ["if-unmodified-since"] = BEFORE, ["if-none-match"] = '"a"' }))
    assert.equal(412, check("GET", { ["if-unmodified-since"] = BEFORE, ["if-modified-since"] = AFTER }))
    assert.equal(304, check("GET", { ["if-match"] = '"a"', ["if-none-match"] = '"a"' }))
    assert.equal(304, check("GET", { ["if-match"] = "*", ["if-modified-since"] = SAME }))
    assert.equal(304, check("HEAD", { ["if-unmodified-since"] = SAME, ["if-modified-since"] = SAME }))
    assert.equal(412, check("PUT", { ["if-match"] = '"a"', ["if-none-match"] = "*" }))
    assert.is_nil(check("PUT", { ["if-match"] = '"a"', ["if-none-match"] = '"x"', ["if-modified-since"] = AFTER }))
  end)

  it("are ignored with methods that have to do with no representation", function()
    local headers = { ["if-match"] = '"x"', ["if-none-match"] = "*", ["if-unmodified-since"] = BEFORE }
    for _, method in ipairs { "OPTIONS", "TRACE", "CONNECT" } do assert.is_nil(check(method, headers)) end
  end)

  it("are looked at in the time of their length", function()
    for _, part in ipairs { '"', '"",', 'W/"x",', ",", " ", "W", "W/", "*", '"x', "\t,", '"x" ' } do
      local value = part:rep(100000 // #part)
      for _, each in ipairs { value, '"a"' .. value .. "!" } do
        quick(check, "GET", { ["if-none-match"] = each })
        quick(conditional.range_holds, each, STRONG)
      end
    end
  end)
end)

describe("If-Range", function()
  it("holds for the same strong tag", function()
    assert.is_true(conditional.range_holds('"a"', STRONG))
    assert.is_false(conditional.range_holds('"b"', STRONG))
    assert.is_false(conditional.range_holds('W/"a"', STRONG))
    assert.is_false(conditional.range_holds('W/"a"', WEAK))
    assert.is_false(conditional.range_holds('"a"', WEAK))
    assert.is_false(conditional.range_holds('"a"', BARE))
    assert.is_false(conditional.range_holds('"a"', ABSENT))
  end)

  it("holds for the very time", function()
    assert.is_true(conditional.range_holds(SAME, STRONG))
    assert.is_true(conditional.range_holds(SAME, WEAK))
    assert.is_false(conditional.range_holds(BEFORE, STRONG))
    assert.is_false(conditional.range_holds(AFTER, STRONG))
    assert.is_false(conditional.range_holds(SAME, BARE))
    assert.is_false(conditional.range_holds(SAME, ABSENT))
  end)

  it("does not hold for anything else", function()
    for _, value in ipairs { "", "*", "a", '"a", "b"', '"a" ', '"a', "W/", "yesterday", SAME .. " " } do
      assert.is_false(conditional.range_holds(value, STRONG), value)
      assert.is_false(conditional.range_holds(value, BARE), value)
    end
  end)
end)
