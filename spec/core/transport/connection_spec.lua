local links = require "spec.support.links"
local raises = require "spec.support.raises"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"
local wire = require "spec.support.wire"

local CHUNK = 1 << 20

---Calls fn(object, partial) with an object to be sent, and the partial that takes it at another store.
local function with_object(size, fn)
  local near <close> = temp.folder()
  local far <close> = temp.folder()
  local disk <close> = stores.open(near)
  local record = stores.put(disk, stores.bytes(size))
  local object <close> = stores.object(disk, "key")
  local there <close> = stores.open(far)
  local partial <close> = assert(there:partial(stores.path "key", record))
  fn(object, partial)
end

for name, tls in pairs { ["with TLS"] = true, ["without TLS"] = false } do
  describe("a connection " .. name, function()
    it("carries messages of up to 1 MiB, and refuses larger ones", function()
      local link <close> = links.pair { tls = tls }
      for _, size in ipairs { 0, 1, 16383, 16384, 65536, CHUNK - 16 } do
        local filler = stores.bytes(size)
        assert(link.a:send { filler = filler })
        assert.is_true(filler == assert(link.b:receive(10)).filler)
      end
      local ok, err = link.a:send { filler = ("x"):rep(CHUNK) }
      assert.is_nil(ok)
      assert.equal("too_large", err.code)
      assert(link.a:send { after = "it" })
      assert.same({ after = "it" }, link.b:receive(10))
    end)

    it("keeps the order of messages, however many leave at once", function()
      local link <close> = links.pair { tls = tls }
      for n = 1, 3000 do assert(link.a:send { n = n, filler = ("x"):rep(n % 700) }) end
      for n = 1, 3000 do assert.equal(n, assert(link.b:receive(10)).n) end
    end)

    it("moves objects both ways at once, and messages beside them", function()
      local link <close> = links.pair { tls = tls }
      with_object(3 * CHUNK + 5, function(object, at_b)
        with_object(2 * CHUNK + 9, function(other, at_a)
          local to_b <close> = assert(link.a:send_object(object, true))
          local to_a <close> = assert(link.b:send_object(other, true))
          local by_b <close> = assert(link.b:receive_object(to_b:number(), at_b, true))
          local by_a <close> = assert(link.a:receive_object(to_a:number(), at_a, true))
          assert(link.a:send { beside = true })
          assert.same({ beside = true }, link.b:receive(10))
          for _, each in ipairs { to_b, to_a, by_b, by_a } do assert.is_true(each:join()) end
          assert(at_b:publish())
          assert(at_a:publish())
        end)
      end)
    end)

    it("stops one stream alone when its receiver pauses", function()
      local link <close> = links.pair { tls = tls }
      with_object(3 * CHUNK, function(object, partial)
        local paused <close> = assert(link.a:send_object(object)) -- nobody attaches to it: no credit
        local flowing <close> = assert(link.a:send_object(object, true))
        local receiving <close> = assert(link.b:receive_object(flowing:number(), partial, true))
        assert.is_true(receiving:join())
        assert.is_true(flowing:join())
        assert.equal(0, paused:bytes())
        assert(link.a:send { still = "here" })
        assert.same({ still = "here" }, link.b:receive(10))
      end)
    end)

    it("can give a stream up on either side, and goes on", function()
      for giver, other in pairs { a = "b", b = "a" } do
        local link <close> = links.pair { tls = tls }
        with_object(20 * CHUNK, function(object, partial)
          local ends = { a = assert(link.a:send_object(object, true)) }
          ends.b = assert(link.b:receive_object(ends.a:number(), partial, true))
          ends[giver]:close()
          local ok, err = ends[other]:join()
          assert.is_nil(ok)
          assert.equal("cancelled", err.code)
          ok, err = ends[giver]:join()
          assert.is_nil(ok)
          assert.equal("cancelled", err.code)
          ends[other]:close()
          assert(link.b:send { still = "here" })
          assert.same({ still = "here" }, link.a:receive(10))
        end)
      end
    end)

    it("says its reason to the other side when it closes", function()
      for _, code in ipairs { "denied", "busy", "unsupported", "exists", "closed" } do
        local link <close> = links.pair { tls = tls }
        assert(link.a:send { last = "words" })
        link.a:close(code, "because")
        assert.same({ last = "words" }, link.b:receive(10))
        local message, err = link.b:receive(10)
        assert.is_nil(message)
        assert.equal(code, err.code)
        message, err = link.a:receive(10)
        assert.is_nil(message)
        assert.equal(code, err.code)
        assert.equal("because", err.message)
        local ok, problem = link.b:send { too = "late" }
        assert.is_nil(ok)
        assert.equal(code, problem.code)
      end
    end)

    it("resets every stream when it closes", function()
      local link <close> = links.pair { tls = tls }
      with_object(2 * CHUNK, function(object)
        local one <close> = assert(link.a:send_object(object, true))
        local other <close> = assert(link.b:send_object(object, true))
        link.b:close("denied", "enough")
        for _, each in ipairs { one, other } do
          local ok, err = each:join()
          assert.is_nil(ok)
          assert.equal("denied", err.code)
        end
      end)
    end)

    it("refuses messages while much waits, and tells when there is room", function()
      local server <close> = links.listen { tls = false }
      local peer <close>, connection = server:meet()
      local _ <close> = connection
      local sent = 0
      local function send() return connection:send { filler = ("x"):rep(CHUNK - 16) } end
      local ok, err = send()
      while ok do
        sent = sent + 1
        ok, err = send()
      end
      assert.equal("busy", err.code)
      assert.is_true(sent >= 4 and sent <= 6)
      local drained = runtime.spawn(connection.drained, connection)
      for _ = 1, sent do assert(peer:receive()) end
      assert.is_true(drained:join(10))
      assert(connection:send { room = "again" })
      assert.same({ room = "again" }, peer:receive())
    end)

    it("has one reader at a time, who is woken when it closes", function()
      local link <close> = links.pair { tls = tls }
      local reader = runtime.spawn(link.a.receive, link.a)
      runtime.sleep(0)
      raises("connection_spec.lua:%d+: another task waits for this already", function() link.a:receive() end)
      link.a:close()
      local message, err = reader:join(10)
      assert.is_nil(message)
      assert.equal("closed", err.code)
    end)

    it("that was closed here is read no more: who waits for its end is told of nothing that lay there", function()
      local link <close> = links.pair { tls = tls }
      assert(link.b:send { first = true })
      assert(link.b:send { second = true })
      while link.a:stats().messages_in < 2 do runtime.sleep(0.001) end
      assert.same({ first = true }, link.a:receive())
      link.a:close("busy", "enough")
      local message, err = link.a:receive()
      assert.is_nil(message)
      assert.equal("busy", err.code)
    end)

    it("that is misused is an error at the caller's line", function()
      local link <close> = links.pair { tls = tls }
      raises("table expected", function() link.a:send "text" end)
      raises("cannot encode a function", function() link.a:send { f = print } end)
      raises("an error code such as", function() link.a:close "because" end)
      with_object(10, function(object, partial)
        raises("0 or more", function() link.a:send_object(object, false, -1) end)
        raises("a stream's number", function() link.a:receive_object(-1, partial) end)
        local transfer, err = link.a:receive_object(1, partial) -- its own number
        assert.is_nil(transfer)
        assert.equal("invalid", err.code)
      end)
    end)
  end)
end

describe("streams", function()
  it("are 64 at a time", function()
    local link <close> = links.pair { tls = false }
    with_object(100, function(object)
      local transfers = {}
      for i = 1, 64 do transfers[i] = assert(link.a:send_object(object)) end
      local one_more, err = link.a:send_object(object)
      assert.is_nil(one_more)
      assert.equal("busy", err.code)
      transfers[1]:close()
      assert(link.a:send { turn = 1 })
      assert(link.b:receive(10))
      transfers[65] = assert(link.a:send_object(object))
      for _, each in ipairs(transfers) do each:close() end
    end)
  end)

  ---Sends three streams at once; gives the longest frame, and how far one was ahead of another at most.
  local function race()
    local server <close> = links.listen { tls = false }
    local peer <close>, connection = server:meet()
    local _ <close> = connection
    connection:admit()
    local longest, lead = 0, 0
    with_object(4 * CHUNK, function(object)
      local transfers = {}
      for i = 1, 3 do
        transfers[i] = assert(connection:send_object(object))
        peer:write(wire.credit(transfers[i]:number(), 4 * CHUNK))
      end
      local have, frames = { [2] = 0, [4] = 0, [6] = 0 }, 0
      while have[2] < 4 * CHUNK or have[4] < 4 * CHUNK or have[6] < 4 * CHUNK do
        local frame = assert(peer:frame())
        frames = frames + 1
        have[frame.stream] = have[frame.stream] + frame.value
        longest = math.max(longest, frame.value)
        if frames > 12 then -- the first frames of each wait for the disk
          lead = math.max(lead, math.max(have[2], have[4], have[6]) - math.min(have[2], have[4], have[6]))
        end
      end
      for _, each in ipairs(transfers) do
        assert.is_true(each:join())
        each:close()
      end
    end)
    return longest, lead
  end

  it("take fair turns", function()
    local longest, lead
    for _ = 1, 5 do -- a busy machine may be slow to read for one of them
      longest, lead = race()
      assert.is_true(longest <= 256 << 10)
      if lead <= 2 * CHUNK then break end
    end
    assert.is_true(lead <= 2 * CHUNK, "a stream was left behind")
  end)
end)

-- Messages that nobody had read yet were counted by their bytes alone: empty ones cost memory without any limit. And who was not let in
-- could leave as many unread as anybody.

---Sends the bytes again and again, up to 16 MiB; gives the last words of the other side.
local function flood(peer, bytes)
  local piece = bytes:rep((64 << 10) // #bytes + 1)
  runtime.spawn(function()
    for _ = 1, (16 << 20) // #piece do
      if not peer.raw:write(piece) then return end
    end
    peer:close()
  end)
  return (peer:last_words())
end

describe("a flood of messages that nobody reads", function()
  it("ends the connection, though they are empty", function()
    local server <close> = links.listen { tls = false }
    local peer <close>, connection = server:meet()
    local _ <close> = connection
    connection:admit()
    assert.equal("busy", flood(peer, wire.message ""))
    assert.is_true(connection:stats().bytes_in < 4 << 20)
  end)

  it("ends it after little from who was not let in", function()
    local server <close> = links.listen { tls = false }
    local peer <close>, connection = server:meet()
    local _ <close> = connection
    assert.equal("busy", flood(peer, wire.value { filler = ("x"):rep(4000) }))
    assert.is_true(connection:stats().bytes_in < 1 << 20)
  end)
end)
