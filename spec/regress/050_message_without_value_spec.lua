-- CBOR's null and false are no messages. As the first one they made `connect` raise an error; later they ended the connection's task
-- with a traceback, and the peer was not told.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local wire = require "spec.support.wire"

local PROTOCOL = 12
local SECRET = "the cluster secret of a test"

for name, bytes in pairs { null = "\xf6", ["false"] = "\xf4", number = "\x07" } do
  describe("a message that is " .. name, function()
    it("is a breach of protocol", function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local peer <close> = wire.dial(a.address)
      peer:greet(SECRET)
      peer:send(wire.message(bytes))
      assert.equal(PROTOCOL, (peer:last_words()))
    end)

    it("is one as the first, too, from who was dialled", function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local listener <close> = filo.listen "127.0.0.1:0"
      local connecting = filo.spawn(function() return a:connect(listener:address()) end)
      local peer <close> = wire.accept(listener)
      peer:send(wire.message(bytes))
      assert.equal(PROTOCOL, (peer:last_words()))
      local connected, err = connecting:join(10)
      assert.is_nil(connected)
      assert.equal("protocol", err.code)
    end)
  end)
end
