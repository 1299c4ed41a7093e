local filo = require "filo"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

describe("node:close", function()
  it("gives the root free though objects are still open", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(3 << 20)))
    local object = assert(a:get "key")
    assert(object:read(10))
    net:stop "a"
    raises("the object is closed", function() object:read(10) end)
    a = net:restart "a"
    assert.equal(3 << 20, #nodes.content(a, "key"))
  end)

  it("ends a read that waits for a peer", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", nodes.bytes(3 << 20)))
    assert(a:evict "key")
    b.peer_list:handle("read", function() filo.sleep(60) end)
    local object = assert(a:get "key")
    local reading = filo.spawn(function() return object:read(10) end):observe()
    filo.sleep(0.05)
    net:stop "a"
    local bytes, err = reading:join(5)
    assert.is_nil(bytes)
    assert.equal("closed", err.code)
  end)

  it("waits until what is being written is written, so that the node can start again at once", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, { durability = "full" })
    local content = nodes.bytes(3 << 20)
    assert(a:store("key", content))
    for _ = 1, 5 do
      local evicted, err = a:evict "key"
      assert(evicted or err.code == "not_found", err) -- closed before the copy was whole
      assert.equal(content, nodes.content(a, "key")) -- and now it is being flushed
      a = net:restart "a"
      nodes.peers(a, 1)
    end
  end)

  it("ends a listing that was left open", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for i = 1, 70 do assert(a:store("key " .. i, "x")) end
    local next_item = a:list()
    assert.is_table(next_item())
    local first = a:list()()
    assert.is_string(first.key)
    a = net:restart "a"
    assert.equal("x", nodes.content(a, "key 1"))
  end)

  it("is idempotent, wakes who waits for it, and ends every call", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local waiting = filo.spawn(function()
      a:wait()
      return "closed"
    end)
    filo.sleep(0)
    a:close()
    a:close()
    assert.equal("closed", waiting:join(5))
    for _, call in ipairs {
      function() a:store("key", "x") end, function() a:get "key" end, function() a:stat "key" end,
      function() a:list() end, function() a:delete "key" end, function() a:evict "key" end, function() a:verify "key" end,
      function() a:peers() end, function() a:connect "127.0.0.1:1" end, function() a:handle("topic", print) end,
      function() a:request("id", "topic") end, function() a:broadcast "topic" end, function() a:on("stored", print) end,
      function() a:ready() end, function() a:has "key" end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.matches("close_spec.lua:%d+: the node is closed", err)
    end
  end)
end)
