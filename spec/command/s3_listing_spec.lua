---Pages of a bucket, compared with a list that is made the plain way.

local inside = require "filo.base.inside"
local listing = require "filo.command.s3.listing"
local nodes = require "spec.support.nodes"

local NAMES = {
  " ", "\n", "\1", "\xff", "\xff\xff", "a", "a\0b", "a b", "a/", "a//b", "a/b", "a/b/", "a/b/c", "a/b/d", "a0", "a-", "../x", "./x",
  "/", "/x", "//", "ab/cd/ef", "ab/cd/eg", "ab/x", "tail/", "\u{1f600}/a", "\u{1f600}/b", "e\u{301}", "xx", "xxx", "xxxx", "~",
}

---What a page should have, of all names in their order.
local function naive(names, given)
  local entries, seen = {}, {}
  for _, name in ipairs(names) do
    local stop = given.delimiter and select(2, name:find(given.delimiter, #given.prefix + 1, true))
    local entry = stop and name:sub(1, stop) or name
    local below = name:sub(1, #given.prefix) == given.prefix
    if below and not seen[entry] and not (given.after and entry <= given.after) then
      seen[entry] = true
      entries[#entries + 1] = (stop and "P" or "C") .. entry
    end
  end
  return { table.unpack(entries, 1, given.most) }, #entries > given.most and given.most > 0 and entries[given.most]:sub(2) or nil
end

local function page_of(node, bucket, given)
  local page = listing.page(node, bucket, given)
  local entries = {}
  for _, object in ipairs(page.contents) do entries[#entries + 1] = "C" .. object.key end
  for _, prefix in ipairs(page.prefixes) do entries[#entries + 1] = "P" .. prefix end
  table.sort(entries, function(a, b) return a:sub(2) < b:sub(2) end)
  return entries, page.more
end

---All pages, one after the other.
local function all_pages(node, bucket, given)
  local list, pages, after = {}, 0, nil
  repeat
    local page, more = page_of(node, bucket, { prefix = given.prefix, delimiter = given.delimiter, most = given.most, after = after })
    table.move(page, 1, #page, #list + 1, list)
    after, pages = more, pages + 1
    assert.is_true(pages < 1000)
  until not more
  return list
end

describe("a page of a bucket", function()
  local net, node

  setup(function()
    net = nodes.net()
    node = net:start "a"
    for _, name in ipairs(NAMES) do nodes.stored(node:store("bucket/" .. name, name)) end
    for _, key in ipairs { "bucket/", "bucket", "buckets/a", "bucke/a", "bucket-/a", "bucket0/a" } do nodes.stored(node:store(key, "")) end
    table.sort(NAMES)
  end)

  teardown(function() net:close() end)

  it("has what a list of all names has, for each prefix, delimiter, begin and size", function()
    local count = 0
    for _, prefix in ipairs { "", "a", "a/", "a/b", "ab/cd/", "x", "\xff", "none", "/", "bucket", "\u{1f600}" } do
      for _, delimiter in ipairs { false, "/", "b", "//", "xx", "\xff", " ", "cd/e", "none" } do
        for _, most in ipairs { 0, 1, 2, 3, 7, 1000 } do
          for _, after in ipairs { false, "", "a", "a/", "a/b", "a/b/c", "a/z", "ab/cd/ef", "\xff", "0", "x", "xxx", "\u{1f600}/a" } do
            local given = { prefix = prefix, delimiter = delimiter or nil, most = most, after = after or nil }
            local expected, expected_more = naive(NAMES, given)
            local entries, more = page_of(node, "bucket", given)
            local what = ("prefix %q delimiter %q most %d after %q"):format(prefix, tostring(delimiter), most, tostring(after))
            assert.same(expected, entries, what)
            assert.equal(expected_more, more, what)
            count = count + 1
          end
        end
      end
    end
    assert.equal(11 * 9 * 6 * 13, count)
  end)

  it("is followed by the next one, each name and each common prefix once", function()
    for _, prefix in ipairs { "", "a", "a/", "x", "none" } do
      for _, delimiter in ipairs { false, "/", "b", "xx", "\xff" } do
        local given = { prefix = prefix, delimiter = delimiter or nil, most = 1000 }
        local expected = naive(NAMES, given)
        for most = 1, 4 do
          given.most = most
          assert.same(expected, all_pages(node, "bucket", given))
        end
      end
    end
  end)

  it("tells of each object what is known of it", function()
    local page = listing.page(node, "bucket", { prefix = "a/b/c", most = 10 })
    assert.same({ { key = "a/b/c", size = 5, version = node:stat("bucket/a/b/c").version } }, page.contents)
  end)

  it("begins after any name, also one that is longer than a key", function()
    for _, after in ipairs { ("a"):rep(5000), "a/" .. ("b"):rep(5000), "a/" .. ("b"):rep(4089), ("\xff"):rep(5000) } do
      for _, delimiter in ipairs { false, "/" } do
        local given = { prefix = "", delimiter = delimiter or nil, after = after, most = 1000 }
        assert.same((naive(NAMES, given)), (page_of(node, "bucket", given)))
      end
    end
    assert.same({}, (page_of(node, "bucket", { prefix = ("a"):rep(5000), most = 10 })))
  end)
end)

describe("a page of common prefixes", function()
  it("does not go over what is in them", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    for _, folder in ipairs { "a", "b", "c" } do
      for i = 1, 300 do nodes.stored(node:store(("bucket/%s/%03d"):format(folder, i), "")) end
    end
    nodes.stored(node:store("bucket/d", ""))
    local list, asked, given = inside.of(node).listing, 0, 0
    local keys = list.keys
    function list.keys(...)
      local next_key = keys(...)
      asked = asked + 1
      return function()
        given = given + 1
        return next_key()
      end
    end
    local page = listing.page(node, "bucket", { prefix = "", delimiter = "/", most = 1000 })
    list.keys = keys
    assert.same({ "a/", "b/", "c/" }, page.prefixes)
    assert.equal("d", page.contents[1].key)
    assert.equal(4, asked)
    assert.is_true(given < 60, given .. " keys were gone over")
  end)
end)
