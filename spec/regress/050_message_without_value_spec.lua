-- CBOR's null and false are no messages. As the first one they made `connect` raise an error; later they ended the connection's task
-- with a traceback, and the peer was not told.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

for name, bytes in pairs { null = "\xf6", ["false"] = "\xf4", number = "\x07" } do
  describe("a message that is " .. name, function()
    it("is a breach of protocol", function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local peer <close> = strangers.meet(a, { tls = false })
      peer.line:write(wire.message(bytes))
      assert.equal("protocol", peer:farewell())
    end)

    it("is one as the first, too, from who was dialled", function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local listener <close> = filo.listen "127.0.0.1:0"
      local connecting = filo.spawn(function() return a:connect(listener:address()) end)
      local peer <close> = wire.accept(listener)
      peer:write(wire.message(bytes))
      assert.equal("protocol", (peer:last_words()))
      local connected, err = connecting:join(10)
      assert.is_nil(connected)
      assert.equal("protocol", err.code)
    end)
  end)
end
