local filo = require "filo"
local nodes = require "spec.support.nodes"

local BIG = 3 << 20

describe("node:evict", function()
  it("removes the copy here only", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert.is_true(a:evict "key")
    assert.is_false(nodes.exists(nodes.place(a, a, "key")))
    assert.is_true(nodes.exists(nodes.place(a, b, "key")))
    assert.equal("peers", a:stat("key").from)
    assert.equal("content", nodes.content(a, "key"))
  end)

  it("waits for a fetch of the object that is under way, and removes what it fetched", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 100, BIG } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      for _ = 1, 5 do
        assert.is_true(a:evict "key")
        assert.equal(content, nodes.content(a, "key"))
      end
    end
  end)

  it("leaves the copy here while no peer that is connected has one: it may be the last", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    local b = net:start("b", { bootstrap = { a.address } })
    nodes.peers(a, 1)
    local ok, err = a:evict "key"
    assert.is_nil(ok)
    assert.equal("not_enough_copies", err.code)
    assert.matches("no peer that is connected has a copy of 'key'", tostring(err))
    assert.equal("content", nodes.content(a, "key"))
    assert(a:replicate "key")
    assert.is_true(a:evict "key")
    assert.is_true(nodes.exists(nodes.place(a, b, "key")))
  end)

  it("waits for no more peers than for one that has a copy", function()
    local net <close> = nodes.net()
    local a, _, c = net:cluster(3)
    assert(a:store("key", "content"))
    c.peer_list:handle("find", function() filo.sleep(600) end)
    assert.is_true(filo.timeout(10, a.evict, a, "key"))
  end)

  it("says that there is nothing to evict", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local ok, err = a:evict "never stored"
    assert.is_nil(ok)
    assert.equal("not_found", err.code)
    assert.matches("never stored", tostring(err))
    assert(a:store("key", "content"))
    assert(a:delete "key")
    ok, err = a:evict "key"
    assert.is_nil(ok)
    assert.equal("not_found", err.code)
    assert.matches("'key' was deleted", tostring(err))
  end)
end)
