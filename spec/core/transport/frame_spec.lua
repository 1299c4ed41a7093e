local links = require "spec.support.links"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"
local wire = require "spec.support.wire"

local CHUNK = 1 << 20
local CANCELLED = 11 -- core/error.h

---Calls fn(peer, connection) with both ends of a new connection without TLS, let in unless told otherwise.
local function meet(fn, options)
  local server <close> = links.listen {
    tls = false, message_max = options and options.message_max, keepalive = options and options.keepalive,
    silence_timeout = options and options.silence_timeout,
  }
  local peer <close>, connection = server:meet()
  local _ <close> = connection
  if not options or options.admit ~= false then connection:admit() end
  fn(peer, connection)
end

---The peer says this and breaks the protocol: it is told so, and the connection closes with a sentence that says what was wrong.
local function breaks(bytes, sentence, options)
  for _, step in ipairs { 1, 3, #bytes } do
    meet(function(peer, connection)
      peer:write(bytes, step)
      assert.equal("protocol", peer:last_words())
      peer:close()
      local message, err = connection:receive(10)
      assert.is_nil(message)
      assert.equal("protocol", err.code)
      assert.matches(sentence, err.message)
      assert.matches("^127%.0%.0%.1:%d+ broke the protocol: ", err.message)
    end, options)
  end
end

---A partial that waits for the chunks of an object of so many bytes; its record, hashes and sealed content.
local function expect_object(folder, size)
  local sender <close> = stores.open(folder)
  local record = stores.put(sender, stores.bytes(size))
  local file = folder:read(stores.file "key")
  local hashes = 32 * ((size + CHUNK - 1) // CHUNK)
  return record, file:sub(1 + size, size + hashes) .. file:sub(1, size)
end

---Calls fn(peer, connection, transfer, bytes, receiver): the connection here receives an object on the peer's stream 1.
local function receive(size, fn)
  local folder <close> = temp.folder()
  local far <close> = temp.folder()
  local record, bytes = expect_object(far, size)
  local disk <close> = stores.open(folder)
  local partial <close> = assert(disk:partial(stores.path "key", record))
  meet(function(peer, connection)
    local transfer <close> = assert(connection:receive_object(1, partial, true))
    fn(peer, connection, transfer, bytes, partial)
  end)
end

---Waits for credit on a stream; gives how much.
local function take_credit(peer, stream)
  local frame = assert(peer:frame())
  assert.equal("credit", frame.type)
  assert.equal(stream, frame.stream)
  return frame.value
end

---Sends all of a stream, as credit comes, in frames of so many bytes, cut at each step.
local function send_stream(peer, stream, bytes, size, step)
  assert(peer:write_stream(stream, bytes, size, step))
  peer:write(wire.stream(stream, ""), step)
end

describe("frames", function()
  it("are the same at every split", function()
    local said = wire.value { n = 1 } .. wire.reset(1, 9) .. wire.value { n = 2, text = ("x"):rep(300) } .. wire.stream(3, "") ..
      wire.value { n = 3 }
    for _, step in ipairs { 1, 2, 3, 4, 5, 8, 13, #said } do
      meet(function(peer, connection)
        peer:write(said, step)
        for n = 1, 3 do assert.equal(n, assert(connection:receive(10)).n) end
      end)
    end
  end)

  it("of streams are the same at every split", function()
    for _, step in ipairs { 1, 2, 3, 1000000 } do
      receive(200, function(peer, _, transfer, bytes)
        send_stream(peer, 1, bytes, 50, step)
        assert(transfer:join())
        assert.equal(#bytes, transfer:bytes())
      end)
    end
  end)

  it("carry an object of several chunks in pieces of any size", function()
    for _, size in ipairs { 1000, 65536, 300000, CHUNK } do
      receive(2 * CHUNK + 7, function(peer, _, transfer, bytes, partial)
        send_stream(peer, 1, bytes, size)
        assert(transfer:join())
        assert(partial:publish())
      end)
    end
  end)

  it("come many in one segment", function()
    meet(function(peer, connection)
      local all = {}
      for n = 1, 2000 do all[n] = wire.value { n = n } end
      peer:write(table.concat(all))
      for n = 1, 2000 do assert.equal(n, assert(connection:receive(10)).n) end
    end)
  end)

  it("of a type that is unknown break the protocol", function()
    for _, kind in ipairs { 0, 7, 0x16, 0xff } do
      breaks(string.char(kind) .. ("\0"):rep(8), ("a frame of unknown type 0x%02x"):format(kind))
    end
  end)

  it("that are cut off are no orderly end", function()
    for _, bytes in ipairs {
      "\1", "\1\5\0\0", wire.message "12345678":sub(1, -2), wire.credit(1, 1):sub(1, -2), wire.ping(1):sub(1, -2),
    } do
      meet(function(peer, connection)
        peer:write(bytes)
        peer:close()
        local message, err = connection:receive(10)
        assert.is_nil(message)
        assert.equal("unreachable", err.code)
        assert.matches("in the middle of a frame", err.message)
      end)
    end
  end)
end)

describe("a message", function()
  it("has 1 MiB at most", function()
    meet(function(peer, connection)
      local filler = ("x"):rep(CHUNK - 16)
      local bytes = wire.value { filler = filler }
      peer:write(bytes)
      assert.equal(filler, assert(connection:receive(10)).filler)
    end)
    breaks(("<BI4"):pack(1, CHUNK + 1), "a message of 1048577 bytes, where 1048576 are allowed")
    breaks(("<BI4"):pack(1, 0xffffffff), "a message of 4294967295 bytes")
  end)

  it("has what was agreed on, before the peer is let in", function()
    meet(function(peer, connection)
      peer:write(wire.value { filler = ("x"):rep(80) })
      assert.equal(80, #assert(connection:receive(10)).filler)
    end, { admit = false, message_max = 100 })
    breaks(("<BI4"):pack(1, 101), "a message of 101 bytes, where 100 are allowed", { admit = false, message_max = 100 })
    breaks(("<BI4"):pack(1, 4097), "a message of 4097 bytes, where 4096 are allowed", { admit = false })
  end)

  it("is a CBOR map, and nothing follows", function()
    for _, bytes in ipairs { "", "\xa0\xa0", "\xa1", "\xf6", "\x01", "\x61a", "\xff" } do
      meet(function(peer, connection)
        peer:write(wire.message(bytes))
        local message, err = connection:receive(10)
        assert.is_nil(message)
        assert.equal("protocol", err.code)
        assert.equal("protocol", peer:last_words())
        peer:close()
      end)
    end
  end)
end)

describe("a stream", function()
  it("is of no use before the peer is let in", function()
    for _, bytes in ipairs { wire.stream(1, "x"), wire.stream(1, ""), wire.credit(2, 1), wire.reset(1, 1) } do
      breaks(bytes, "a frame about stream %d before it was let in", { admit = false })
    end
  end)

  it("has a number, of which 0 is none", function()
    breaks(wire.stream(0, "x"), "bytes for stream 0")
    breaks(wire.stream(0, ""), "bytes for stream 0")
    breaks(wire.credit(0, 1), "credit for stream 0")
  end)

  it("has frames of 1 MiB at most", function()
    breaks(("<BI4I4"):pack(2, 1, CHUNK + 1), "a frame of 1048577 bytes on stream 1, where 1048576 are allowed")
  end)

  it("gets credit of something", function() breaks(wire.credit(2, 0), "a credit of 0 bytes for stream 2") end)

  it("has bytes for those who asked", function()
    breaks(wire.stream(1, "x"), "1 bytes on stream 1, with credit for 0")
    breaks(wire.stream(1, "") .. wire.stream(3, "xyz"), "3 bytes on stream 3, with credit for 0")
  end)

  it("has no more bytes than the credit that was given", function()
    receive(100, function(peer, _, transfer, bytes)
      local credit = take_credit(peer, 1)
      assert.equal(32, credit) -- of the list of hashes; content follows when that is verified
      peer:write(wire.stream(1, bytes:sub(1, 33)))
      assert.equal("protocol", peer:last_words())
      local ok, err = transfer:join()
      assert.is_nil(ok)
      assert.equal("protocol", err.code)
      assert.matches("33 bytes on stream 1, with credit for 32", err.message)
    end)
  end)

  it("is numbered by the side that opens it, in order", function()
    breaks(wire.stream(2, ""), "stream 2 is not the peer's")
    breaks(wire.credit(1, 1), "a frame about stream 1, which was never opened")
    breaks(wire.credit(2, 1), "a frame about stream 2, which was never opened")
    breaks(wire.reset(2, 1), "a frame about stream 2, which was never opened")
    breaks(wire.reset(129, 1), "stream 129 was never opened, or more than 64 are open")
    breaks(wire.stream(0xffffffff, ""), "stream 4294967295 was never opened, or more than 64 are open")
  end)

  it("that is past is passed over", function()
    meet(function(peer, connection)
      peer:write(wire.reset(1, 1) .. wire.stream(1, "crossed") .. wire.stream(1, "") .. wire.reset(1, 1))
      peer:write(wire.stream(3, "") .. wire.stream(3, "") .. wire.stream(3, "late") .. wire.value { still = "here" })
      assert.same({ still = "here" }, connection:receive(10))
    end)
  end)

  it("can be opened again and again, 64 at a time", function()
    meet(function(peer, connection)
      local said = {}
      for number = 1, 2 * 64 * 10 - 1, 2 do said[#said + 1] = wire.reset(number, 1) end
      peer:write(table.concat(said) .. wire.value { done = true })
      assert.same({ done = true }, connection:receive(10))
    end)
  end)

  it("that ends too early, or is given up, ends the transfer with a clear error", function()
    local ends = {
      { wire.stream(1, ""), "protocol", "ended the stream before it was complete" },
      { wire.reset(1, CANCELLED), "cancelled", "gave the stream up: cancelled" },
      { wire.reset(1, 9999), "closed", "closed the stream" },
      { wire.reset(1, 0), "closed", "closed the stream" },
    }
    for _, each in ipairs(ends) do
      receive(100, function(peer, connection, transfer)
        take_credit(peer, 1)
        peer:write(each[1])
        local ok, err = transfer:join()
        assert.is_nil(ok)
        assert.equal(each[2], err.code)
        assert.matches(each[3], err.message)
        peer:write(wire.value { still = "here" })
        assert.same({ still = "here" }, connection:receive(10))
      end)
    end
  end)
end)

describe("a ping", function()
  local TOKENS = { 0, 1, -1, math.mininteger, math.maxinteger }

  it("is answered with its token, at every split, before and after the peer is let in", function()
    for _, admit in ipairs { true, false } do
      for _, step in ipairs { 1, 2, 3, 9 } do
        meet(function(peer)
          for _, token in ipairs(TOKENS) do
            peer:write(wire.ping(token), step)
            assert.same({ type = "pong", token = token }, peer:frame())
          end
        end, { admit = admit })
      end
    end
  end)

  it("of many is answered for the latest", function()
    meet(function(peer, connection)
      local pings = {}
      for token = 1, 1000 do pings[token] = wire.ping(token) end
      peer:write(table.concat(pings) .. wire.value { after = "them" })
      assert.same({ after = "them" }, connection:receive(10))
      local pongs = 1
      while assert(peer:frame()).token ~= 1000 do pongs = pongs + 1 end
      assert.is_true(pongs < 1000)
    end)
  end)

  it("does not make answers pile up for who reads none", function()
    meet(function(peer, connection)
      local pings = wire.ping(7):rep(100000)
      for _ = 1, 20 do peer:write(pings) end
      peer:write(wire.value { after = "them" })
      assert.same({ after = "them" }, connection:receive(30))
      assert.is_true(connection:stats().bytes_out < 2000000)
    end)
  end)

  it("comes when the peer was let in, and tells how far away it is", function()
    meet(function(peer, connection)
      assert.is_nil(connection:stats().rtt)
      assert.is_nil(connection:rtt())
      local ping = assert(peer:frame())
      assert.equal("ping", ping.type)
      peer:write(wire.pong(ping.token) .. wire.value { after = "it" })
      assert.same({ after = "it" }, connection:receive(10))
      assert.is_true(connection:stats().rtt > 0 and connection:stats().rtt < 20)
      assert.equal(connection:stats().rtt, connection:rtt())
      assert.is_true(connection:bytes_in() > 0)
      assert.equal(connection:stats().bytes_in, connection:bytes_in())
    end, { keepalive = 3600 })
  end)

  it("comes again when nothing else does", function()
    meet(function(peer)
      local seen = {}
      for _ = 1, 3 do
        local ping = assert(peer:frame())
        assert.equal("ping", ping.type)
        assert.is_nil(seen[ping.token])
        seen[ping.token] = true
        peer:write(wire.pong(ping.token))
      end
    end, { keepalive = 0.05 })
  end)

  it("is not repeated while its answer is missing; silence ends the connection then", function()
    meet(function(peer, connection)
      assert.equal("ping", assert(peer:frame()).type)
      local message, err = connection:receive(10)
      assert.is_nil(message)
      assert.equal("timeout", err.code)
      assert.is_nil((peer:frame()))
    end, { keepalive = 0.02, silence_timeout = 0.2 })
  end)

  it("is answered only when there was one, and once", function()
    breaks(wire.pong(1), "a pong that nobody asked for")
    breaks(wire.pong(1), "a pong that nobody asked for", { admit = false })
    meet(function(peer, connection)
      local ping = assert(peer:frame())
      peer:write(wire.pong(ping.token):rep(2))
      assert.equal("protocol", peer:last_words())
      peer:close()
      assert.equal("protocol", select(2, connection:receive(10)).code)
    end, { keepalive = 3600 })
    meet(function(peer, connection)
      local ping = assert(peer:frame())
      peer:write(wire.pong(ping.token ~ 1))
      assert.equal("protocol", peer:last_words())
      peer:close()
      assert.equal("protocol", select(2, connection:receive(10)).code)
    end, { keepalive = 3600 })
  end)

  it("is measured by both ends", function()
    local link <close> = links.pair { keepalive = 3600 }
    while not (link.a:stats().rtt and link.b:stats().rtt) do runtime.sleep(0) end
    assert.is_true(link.a:stats().rtt > 0 and link.b:stats().rtt > 0)
  end)
end)

describe("a reset of stream 0", function()
  it("closes the connection with its code", function()
    for reason, code in pairs { [7] = "denied", [12] = "protocol", [14] = "busy", [0] = "closed", [0xffffffff] = "closed" } do
      meet(function(peer, connection)
        peer:write(wire.value { before = true } .. wire.reset(0, reason), 1)
        assert.same({ before = true }, connection:receive(10))
        local message, err = connection:receive(10)
        assert.is_nil(message)
        assert.equal(code, err.code)
        assert.matches("the peer closed: " .. code, err.message)
        assert.is_nil((peer:last_words()))
      end, { admit = false })
    end
  end)
end)

describe("credit", function()
  ---Calls fn(peer, transfer, size): the connection here sends an object on its stream 2.
  local function send(size, fn)
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, stores.bytes(size))
    local object <close> = stores.object(disk, "key")
    meet(function(peer, connection)
      local transfer <close> = assert(connection:send_object(object))
      assert.equal(2, transfer:number())
      fn(peer, transfer, connection)
    end)
  end

  ---Reads so many bytes of stream 2.
  local function take(peer, count)
    local have = 0
    while have < count do
      local frame = assert(peer:frame())
      assert.equal("stream", frame.type)
      assert.equal(2, frame.stream)
      have = have + frame.value
    end
    assert.equal(count, have)
  end

  it("lets so many bytes go, and no more", function()
    send(CHUNK, function(peer, transfer, connection)
      for _, bytes in ipairs { 1, 2, 999, 70000, 300000 } do
        peer:write(wire.credit(2, bytes))
        take(peer, bytes)
      end
      assert(connection:send { after = "it" })
      assert.same({ after = "it" }, peer:receive()) -- and no byte of the stream before it
      peer:write(wire.credit(2, CHUNK), 1)
      take(peer, CHUNK - 371002)
      assert(transfer:join())
      assert.same({ type = "stream", stream = 2, value = 0, bytes = "" }, peer:frame())
    end)
  end)

  it("may be more than there can ever be", function()
    send(3 * CHUNK, function(peer, transfer)
      peer:write(wire.credit(2, 0xffffffff):rep(1000))
      take(peer, 3 * CHUNK)
      assert(transfer:join())
    end)
  end)

  it("for a stream that is past is passed over", function()
    send(10, function(peer, transfer, connection)
      peer:write(wire.credit(2, 10))
      take(peer, 10)
      assert(transfer:join())
      peer:write(wire.credit(2, 10) .. wire.reset(2, 1) .. wire.value { still = "here" })
      assert.same({ still = "here" }, connection:receive(10))
    end)
  end)

  it("is of no use once the stream was given up", function()
    send(3 * CHUNK, function(peer, transfer, connection)
      peer:write(wire.credit(2, 10))
      take(peer, 10)
      peer:write(wire.reset(2, 8))
      local ok, err = transfer:join()
      assert.is_nil(ok)
      assert.equal("locked", err.code)
      peer:write(wire.credit(2, 10))
      assert(connection:send { no = "bytes" })
      assert.same({ no = "bytes" }, peer:receive())
    end)
  end)

  it("comes while others wait for theirs", function()
    send(3 * CHUNK, function(peer, transfer)
      local joined = runtime.spawn(transfer.join, transfer)
      for _ = 1, 3 do
        peer:write(wire.credit(2, CHUNK))
        take(peer, CHUNK)
      end
      assert.is_true(joined:join(10))
    end)
  end)
end)
