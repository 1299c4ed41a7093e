-- A byte of a stream that nobody had asked for killed or froze the receiver.

local nodes = require "spec.support.nodes"
local raw_peers = require "spec.support.raw_peer"

---Codes of core/error.h, as a reset tells them.
local PROTOCOL = 12

local BREACHES = {
  ["bytes on a stream that nobody asked for"] = function(stranger) stranger:frame(0x02, 1, 1, "x") end,
  ["bytes on a stream of the other side"] = function(stranger) stranger:frame(0x02, 2, 1, "x") end,
  ["bytes on a stream far away"] = function(stranger) stranger:frame(0x02, 4294967295, 1, "x") end,
  ["bytes on stream 0"] = function(stranger) stranger:frame(0x02, 0, 1, "x") end,
  ["a payload longer than 1 MiB"] = function(stranger) stranger:frame(0x02, 1, (1 << 20) + 1) end,
  ["a message longer than 1 MiB"] = function(stranger) stranger:frame(0x01, 4294967295) end,
  ["a message of no bytes"] = function(stranger) stranger:frame(0x01, 0) end,
  ["credit for a stream that is not there"] = function(stranger) stranger:frame(0x03, 2, 1) end,
  ["no credit"] = function(stranger) stranger:frame(0x03, 2, 0) end,
  ["a frame of no known kind"] = function(stranger) stranger:write(("\x05"):rep(100)) end,
  ["what is no CBOR"] = function(stranger) stranger:frame(0x01, 3, "\xff\xff\xff") end,
  ["a message that is no map"] = function(stranger) stranger:message "hello" end,
  ["a message that is neither request nor reply"] = function(stranger) stranger:message {} end,
}

describe("a peer that sends", function()
  for what, breach in pairs(BREACHES) do
    it(what .. " is told and dropped, and the others are served", function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local b = net:start("b", { tls = false, bootstrap = { a.address } })
      nodes.peers(b, 1)
      local stranger <close> = raw_peers.meet(a)
      nodes.peers(a, 2)
      breach(stranger)
      assert.equal(PROTOCOL, stranger:farewell())
      nodes.peers(a, 1)
      local receipt = assert(b:store("key", nodes.bytes(2 << 20)))
      assert.same({ b.id, a.id }, receipt.copies)
    end)
  end

  it("replies that nobody waits for is not listened to", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = raw_peers.meet(a)
    for id = 1, 100 do stranger:message { re = id + 1000, body = {} } end
    assert.same({}, (stranger:ask("find", { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) })))
    assert.equal(1, #a:peers())
  end)
end)
