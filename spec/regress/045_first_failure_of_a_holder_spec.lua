-- A holder sends two runs at once. When one was found corrupt, the holder set its copy aside, and the other run then failed with
-- "not_found": that was what the reader was told.

local filo = require "filo"
local nodes = require "spec.support.nodes"

local MIB = 1 << 20

describe("a holder whose copy is bad", function()
  it("fails a get with what was wrong first", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", nodes.bytes(40 * MIB)))
    nodes.flip(nodes.place(a, b, "key"), 16 + 20 * MIB)
    local handlers = b.peer_list.handlers
    local read, check, checked = handlers.read, handlers.check, filo.channel()
    b.peer_list:handle("check", function(...)
      checked:send(true)
      return check(...)
    end)
    b.peer_list:handle("read", function(body, peer)
      if body.first < 32 then return read(body, peer) end
      checked:receive(10)
      return nil, { code = "not_found", message = "that version is not here" }
    end)
    assert(a:evict "key")
    local object <close> = assert(a:get "key")
    local bytes, err = object:read "a"
    assert.is_nil(bytes)
    assert.equal("corrupt", err.code)
  end)
end)
