-- A peer could have any number of requests served at once, and so make a node hold any number of tasks.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local wire = require "spec.support.wire"

local MOST = 256

describe("requests that a peer makes at once", function()
  it("are refused as busy when they are too many", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local go = filo.channel(MOST)
    a:handle("slow", function() return { got = go:receive() } end)
    local peer <close> = wire.dial(a.address)
    peer:greet "the cluster secret of a test"
    for id = 1, MOST + 1 do peer:send(wire.value { id = id, topic = "slow" }) end
    local reply
    repeat reply = assert(peer:value()) until reply.re -- a ping may come first
    assert.equal(MOST + 1, reply.re)
    assert.equal("busy", reply.error.code)
    for i = 1, MOST do go:send(i) end
    for _ = 1, MOST do
      repeat reply = assert(peer:value()) until reply.re
      assert.is_number(reply.body.got)
    end
    peer:send(wire.value { id = 1000, topic = "ping", body = {} })
    assert.equal(1000, peer:value().re)
  end)
end)
