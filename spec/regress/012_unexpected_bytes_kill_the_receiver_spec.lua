-- A byte of a stream that nobody had asked for killed or froze the receiver.

local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local BREACHES = {
  ["bytes on a stream that nobody asked for"] = wire.stream(1, "x"),
  ["bytes on a stream of the other side"] = wire.stream(2, "x"),
  ["bytes on a stream far away"] = wire.stream(4294967295, "x"),
  ["bytes on stream 0"] = wire.stream(0, "x"),
  ["a payload longer than 1 MiB"] = ("<BI4I4"):pack(2, 1, (1 << 20) + 1),
  ["a message longer than 1 MiB"] = ("<BI4"):pack(1, 4294967295),
  ["a message of no bytes"] = wire.message "",
  ["credit for a stream that is not there"] = wire.credit(2, 1),
  ["no credit"] = wire.credit(2, 0),
  ["a frame of no known kind"] = ("\x05"):rep(100),
  ["what is no CBOR"] = wire.message "\xff\xff\xff",
  ["a message that is no map"] = wire.value "hello",
  ["a message that is neither request nor reply"] = wire.value {},
}

describe("a peer that sends", function()
  for what, bytes in pairs(BREACHES) do
    it(what .. " is told and dropped, and the others are served", function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local b = net:start("b", { tls = false, bootstrap = { a.address } })
      nodes.peers(b, 1)
      local stranger <close> = strangers.meet(a, { tls = false })
      nodes.peers(a, 2)
      stranger.line:write(bytes)
      assert.equal("protocol", stranger:farewell())
      nodes.peers(a, 1)
      local receipt = assert(b:store("key", nodes.bytes(2 << 20)))
      assert.same({ b.id, a.id }, receipt.copies)
    end)
  end

  it("replies that nobody waits for is not listened to", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = strangers.meet(a, { tls = false })
    for id = 1, 100 do stranger:say { re = id + 1000, body = {} } end
    assert.same({}, (stranger:find { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) }))
    assert.equal(1, #a:peers())
  end)
end)
