local filo = require "filo"
local nodes = require "spec.support.nodes"

describe("node:close", function()
  it("gives the root free though objects are still open", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(3 << 20)))
    local object = assert(a:get "key")
    assert(object:read(10))
    net:stop "a"
    assert.error_matches(function() object:read(10) end, "the object is closed")
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
end)
