---What is said of content once all of it was read.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local while_read = require "spec.support.while_read"

---Files of content that was not published, in a root.
local function unpublished(node)
  local result = assert(filo.run { "find", node.root .. "/tmp", "-type", "f" })
  return result.stdout
end

describe("store's option describe", function()
  it("says what is known only when the content was read", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stored = nodes.events(a, "stored")
    local allowed
    a:on("before_store", function(offer) allowed = offer.fields end)
    local pieces, hash, calls = { "one ", "two" }, "", 0
    assert(a:store("key", function()
      local piece = table.remove(pieces, 1)
      hash = crypto.hex(crypto.digest("md5", hash .. (piece or "")))
      return piece
    end, { fields = { n = 1 }, etag = "before", describe = function()
      filo.sleep(0.001)
      calls = calls + 1
      assert.same({ 0, false }, { #pieces, a:has "key" })
      return { etag = hash, fields = { n = 2, of = { "it" } } }
    end }))
    local item, told = a:stat "key", stored()
    assert.same({ 1, hash, { n = 2, of = { "it" } } }, { calls, item.etag, item.fields })
    assert.same({ { n = 1 }, hash, { n = 2, of = { "it" } } }, { allowed, told.etag, told.fields })
  end)

  it("leaves what it does not say as the options have it", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local given = { fields = { n = 1 }, etag = "before" }
    for _, case in ipairs {
      { {}, "before", 1 }, { { etag = "after" }, "after", 1 }, { { fields = { n = 2 } }, "before", 2 },
    } do
      given.describe = function() return case[1] end
      local receipt = assert(a:store(nil, "content", given))
      assert.same({ case[2], { n = case[3] } }, { a:stat(receipt.key).etag, a:stat(receipt.key).fields })
    end
  end)

  it("is asked once, of a file that changes while it is read, too", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local path, calls, reads = net.folder:write("file", "content"), 0, 0
    local _ <close> = while_read(function()
      reads = reads + 1
      if reads == 1 then net.folder:write("file", "another content") end
    end)
    assert(a:store("key", filo.file(path), { describe = function()
      calls = calls + 1
      return { etag = "of-it" }
    end }))
    assert.same({ 2, 1, "of-it" }, { reads, calls, a:stat("key").etag })
  end)

  it("may refuse, and then nothing is stored", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", "before"))
    local told = false
    a:on("stored", function() told = true end)
    local function store(...)
      local said = table.pack(...)
      return a:store("key", nodes.bytes(100000), { describe = function() return table.unpack(said, 1, said.n) end })
    end
    local mine = filo.error("corrupt", "another hash than was said")
    local _, err = store(nil, mine)
    assert.is_true(err == mine)
    assert.equal("'key' is not stored: too late", refused("denied", store(nil, "too late")))
    assert.equal("'key' is not stored: no reason given", refused("denied", store()))
    assert.equal("'key' is not stored: no reason given", refused("denied", store(false)))
    assert.same({ "before", "" }, { nodes.content(a, "key"), unpublished(a) })
    net:stop "a"
    assert.is_false(told)
  end)

  it("passes errors through, and then nothing is stored", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local function store(describe) a:store("key", nodes.bytes(100000), { describe = describe }) end
    raises("^spec/node/describe_spec.lua:%d+: broken$", store, function() error "broken" end)
    local mine = { "an error" }
    local ok, err = pcall(store, function() error(mine) end)
    assert.is_true(not ok and err == mine)
    local what = "^store: what describe gives: "
    raises(what .. "a table of options expected", store, function() return 5 end)
    raises(what .. "unknown option 'field'; did you mean 'fields'", store, function() return { field = {} } end)
    raises(what .. "option 'etag' must have 1 to 64", store, function() return { etag = "a b" } end)
    raises(what .. "option 'fields': ", store, function() return { fields = { print } } end)
    raises("describe_spec.lua:%d+: store: option 'describe' must be a function", function() a:store("key", "x", { describe = 5 }) end)
    local task = filo.spawn(store, function() filo.sleep(100) end)
    filo.sleep(0.05)
    task:cancel "enough"
    raises("enough", task.join, task)
    assert.same({ false, "" }, { a:has "key", unpublished(a) })
  end)
end)
