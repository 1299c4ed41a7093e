---Messages between nodes, and what is none.

local cbor = require "filo.core.cbor"
local filo = require "filo"
local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

-- A message was one read of at most 1,028 bytes, and a stream followed its message by a pause: message and stream in one segment lost
-- the copy.
describe("a message", function()
  it("has any length up to 1 MiB, both ways", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("echo", function(body) return body end)
    for _, size in ipairs { 0, 1, 1000, 1027, 1028, 1029, 4096, 65536, 65537, 300000, (1 << 20) - 100 } do
      local text = nodes.bytes(size, size)
      assert.is_true(text == a:request(b.id, "echo", text), size .. " bytes")
    end
  end)

  it("may come with the bytes of a stream, in one segment or byte by byte", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    for _, step in ipairs { 1 << 20, 1000, 7, 1 } do
      local stranger <close> = strangers.meet(a, { tls = false })
      local forged = forge(stranger.keys, { content = nodes.bytes(3000, step) })
      local place = { namespace = forged.namespace, key_hash = forged.key_hash }
      local fill = assert(stranger:offer(forged))
      assert(stranger.line:write_stream(1, forged.hashes))
      assert(stranger.line:wait_credit(1, 32 + 3000))
      stranger.line:write(wire.value { id = 101, topic = "find", body = place } .. wire.stream(1, forged.content) .. wire.stream(1, "")
        .. wire.value { id = 102, topic = "check", body = place }, step)
      local record = assert(stranger:reply(101)).record -- whole, once it is here
      assert.is_true(record == nil or record == forged.record)
      for _, number in ipairs { 102, fill } do assert.same({}, (stranger:reply(number))) end
      assert.equal(forged.hashes .. forged.content, stranger:find(forged).body)
    end
  end)
end)

-- A byte of a stream that nobody had asked for killed or froze the receiver.

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
  ["a frame of no known kind"] = ("\xff"):rep(100),
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

  -- Of each peer 260 KiB of it were kept, which take 14 MiB in Lua.
  it("more than 2048 bytes about itself is told so", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = strangers.meet(a, { tls = false })
    local function tell(bytes)
      local record = stranger:member { number = bytes, about = { text = ("x"):rep(bytes) } }
      return { records = { record }, verdicts = {}, policies = {} }
    end
    assert.equal("protocol", (stranger:refusal("member", tell(2048))))
    assert.same({}, a:peers()[1].about)
    assert.is_truthy(stranger:ask("member", tell(2000)))
    assert.equal(2000, #a:peers()[1].about.text)
  end)

  it("replies that nobody waits for is not listened to", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = strangers.meet(a, { tls = false })
    for id = 1, 100 do stranger:say { re = id + 1000, body = {} } end
    assert.same({}, (stranger:find { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) }))
    assert.equal(1, #a:peers())
  end)
end)

-- CBOR's null and false are no messages. As the first one they made `connect` raise an error; later they ended the connection's task
-- with a traceback, and the peer was not told.

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

-- A message of 1 MiB that held nothing but empty tables became 70 MiB of them in the node that received it.

local MOST = 1 << 17

---A head, and so many items of a byte.
local function array(count, item) return (">BI4"):pack(0x9a, count) .. item:rep(count) end
local names = {} -- encoded texts
for i = 1, MOST // 2 + 1 do names[i] = ("\x65%05d"):format(i) end
local function map(count, item) return (">BI4"):pack(0xba, count) .. table.concat(names, item, 1, count) .. item end

describe("a message", function()
  it("has at most 131072 values", function()
    for _, item in ipairs { "\x00", "\x80", "\xa0", "\xf6" } do
      assert.is_table((cbor.decode(array(MOST, item))))
      assert.is_table((cbor.decode(map(MOST // 2, item))))
      for _, bytes in ipairs { array(MOST + 1, item), map(MOST // 2 + 1, item), "\x82" .. array(MOST - 1, item) .. item } do
        local value, err = cbor.decode(bytes)
        assert.is_true(value == nil)
        assert.matches("no valid CBOR: more than 131072 values at byte %d", tostring(err))
      end
    end
  end)

  it("that has more cannot be made, and says where", function()
    local list, named = {}, {}
    for i = 1, MOST do list[i] = i % 2 == 0 end
    for i = 1, MOST // 2 do named[tostring(i)] = true end
    assert.same(list, cbor.decode(cbor.encode(list)))
    assert.same(named, cbor.decode(cbor.encode(named)))
    list[MOST + 1], named.more = true, true
    for _, value in ipairs { list, named } do
      assert.error_matches(function() cbor.encode { body = value } end, "cannot encode more than 131072 values in field 'body'")
    end
  end)

  it("of more values ends the connection of the peer that sent it", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    peer.line:write(wire.message("\xa2\x62re\x01\x64body" .. array(1 << 19, "\x80")))
    assert.equal("protocol", peer:farewell())
  end)
end)

-- Which of several bad fields a peer was told of depended on how Lua had hashed their names in that process.
describe("a message with several bad fields", function()
  it("is told by the first of their names", function()
    local protocol = require "filo.peers.protocol"
    local limits = require "filo.host.limits"
    local body, err = protocol.check_body(limits, "read", "request", {})
    assert.is_nil(body)
    assert.equal("the request 'read' has a bad or missing field 'count'", tostring(err))
  end)
end)
