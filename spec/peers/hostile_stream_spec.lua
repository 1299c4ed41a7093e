---Streams at peers that keep to no rules.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local AHEAD = 256 << 10 -- bytes that may come before they are read

---A node without TLS, so that a stranger can break its frames.
local function start(net) return net:start("a", { tls = false }) end

local function meet(node) return strangers.meet(node, { tls = false }) end

local function open(stranger, number) return stranger:ask("open", { topic = "take", stream = number }) end

---Handles streams by reading them; what ended each one comes from the channel.
local function read_streams(node)
  local ended = filo.channel(100)
  node:handle_stream("take", function(stream)
    local bytes, err = stream:read "a"
    ended:send { bytes = bytes and #bytes, code = err and err.code }
  end)
  return ended
end

describe("a peer that opens streams", function()
  it("with numbers that cannot be is told so", function()
    local net <close> = nodes.net()
    local a = start(net)
    read_streams(a)
    local stranger <close> = meet(a)
    for _, number in ipairs { 0, 2, 1000, (1 << 32) - 1 } do
      assert.equal("invalid", (stranger:refusal("open", { topic = "take", stream = number })))
    end
    assert.is_number(open(stranger, 1).stream)
    local code, message = stranger:refusal("open", { topic = "take", stream = 1 })
    assert.same({ "invalid", "stream 1 is attached already" }, { code, message })
    stranger.line:write(wire.reset(3, 1))
    assert.equal("closed", (stranger:refusal("open", { topic = "take", stream = 3 })))
    assert.is_table((stranger:ask("ping", {})))
  end)

  it("with bad requests is told so", function()
    local net <close> = nodes.net()
    local a = start(net)
    read_streams(a)
    local stranger <close> = meet(a)
    for field, body in pairs {
      topic = { topic = 5, stream = 1 }, stream = { topic = "take" }, ["stream'"] = { topic = "take", stream = -1 },
      ["unknown field"] = { topic = "take", stream = 1, junk = 1 }, ["not a map"] = 5, ["'topic"] = { stream = 1, topic = ("x"):rep(65) },
    } do
      local code, message = stranger:refusal("open", body)
      assert.equal("protocol", code)
      assert.matches(field, message)
    end
    assert.equal("not_found", (stranger:refusal("open", { topic = "other", stream = 1 })))
    assert.is_number(open(stranger, 1).stream)
  end)

  it("gets 16 of them, over however many connections", function()
    local net <close> = nodes.net()
    local a = start(net)
    local go_on = filo.channel()
    a:handle_stream("take", function() pcall(go_on.receive, go_on) go_on:receive() end) -- goes on when it is cancelled
    local identity
    for _ = 1, 2 do
      local stranger <close> = strangers.meet(a, { tls = false, identity = identity })
      identity = stranger.identity
      for i = 1, 8 do assert.is_number(open(stranger, 2 * i - 1).stream) end
      stranger:close()
      nodes.peers(a, 0)
    end
    local stranger <close> = strangers.meet(a, { tls = false, identity = identity })
    assert.equal("busy", (stranger:refusal("open", { topic = "take", stream = 1 })))
    go_on:close()
    nodes.wait(function() return (open(stranger, 3)) end)
  end)

  it("may not send a byte more than it was given credit for", function()
    local net <close> = nodes.net()
    local a = start(net)
    local opened, go_on = filo.channel(), filo.channel()
    a:handle_stream("take", function(stream)
      opened:send(stream)
      go_on:receive()
    end)
    local stranger <close> = meet(a)
    assert(open(stranger, 1))
    local stream = opened:receive(10)
    assert.is_true(stranger.line:write_stream(1, ("x"):rep(AHEAD), 1000))
    stranger:ask("ping", {}) -- all that has come
    assert.equal(AHEAD, stranger.line.credit[1])
    assert.equal(AHEAD, #stream:read(2 * AHEAD))
    stranger.line:wait_credit(1, 2 * AHEAD)
    assert.equal(2 * AHEAD, stranger.line.credit[1])
    stranger.line:write(wire.stream(1, ("x"):rep(AHEAD + 1)))
    assert.equal("protocol", stranger:farewell())
    local bytes, err = stream:read "a"
    assert.same({ nil, "protocol" }, { bytes, err.code })
    go_on:close()
  end)

  it("and gives them up, or cuts the line, ends what reads them", function()
    local net <close> = nodes.net()
    local a = start(net)
    local ended = read_streams(a)
    local stranger <close> = meet(a)
    for i, reason in ipairs { 5, 10, 11, 3, 0, 77777 } do -- io, closed, cancelled, exists, and none
      assert(open(stranger, 2 * i - 1))
      stranger.line:write(wire.stream(2 * i - 1, "bytes") .. wire.reset(2 * i - 1, reason))
      assert.same({ code = i == 1 and "io" or "closed" }, ended:receive(10))
    end
    assert(open(stranger, 13))
    stranger.line:write(wire.stream(13, "bytes") .. wire.stream(13, ""))
    assert.same({ bytes = 5 }, ended:receive(10))
    local reading, told = filo.channel(), filo.channel(1)
    a:handle_stream("cut", function(stream)
      reading:send(true)
      local ok, err = pcall(stream.read, stream, "a")
      told:send { ok, err }
    end)
    assert(stranger:ask("open", { topic = "cut", stream = 15 }))
    reading:receive(10)
    stranger.line:write(wire.stream(15, "bytes"):sub(1, 7))
    stranger:close()
    local ok = told:receive(10)[1]
    assert.is_boolean(ok) -- it ended, by the cut or by its being cancelled then
    nodes.peers(a, 0)
  end)
end)

describe("a peer at which streams are opened", function()
  it("and that answers nonsense gets none", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    for code, reply in pairs {
      protocol = { body = {} }, invalid = { body = { stream = 2 } }, not_found = { error = { code = "not_found", message = "no" } },
    } do
      stranger:on("open", function() return reply end)
      for _ = 1, 70 do -- and none stays open here
        local stream, err = a:open_stream(stranger.id, "topic")
        assert.is_nil(stream)
        assert.equal(code, err.code)
      end
    end
    assert.equal(1, #a:peers())
  end)

  it("and that never takes a byte holds up the writer only, until it goes", function()
    local net <close> = nodes.net()
    local a = start(net)
    local stranger <close> = meet(a)
    nodes.peers(a, 1)
    local opening = filo.spawn(a.open_stream, a, stranger.id, "topic")
    stranger:on("open", function(body)
      stranger.number = body.stream
      return { body = { stream = 1 } }
    end)
    stranger:wait(function() return stranger.number end, "request")
    local stream <close> = assert(opening:join(10))
    local writing = filo.spawn(stream.write, stream, ("x"):rep(1 << 20))
    assert.equal(10, #stranger.line:read_stream(stranger.number, 10))
    assert.is_table((stranger:ask("ping", {})))
    assert.equal("waiting", writing:status())
    stranger:close()
    local ok, err = writing:join(10)
    assert.is_nil(ok)
    assert.is_true(err.retryable)
  end)

  it("may stop reading, and write on", function()
    local net <close> = nodes.net()
    local a = start(net)
    local stranger <close> = meet(a)
    nodes.peers(a, 1)
    local opening = filo.spawn(a.open_stream, a, stranger.id, "topic")
    stranger:on("open", function(body)
      stranger.number = body.stream
      return { body = { stream = 1 } }
    end)
    stranger:wait(function() return stranger.number end, "request")
    local stream <close> = assert(opening:join(10))
    stranger.line:write(wire.reset(stranger.number, 10) .. wire.stream(1, "bytes\n") .. wire.stream(1, ""))
    assert.equal("bytes", stream:read "l")
    assert.same({}, { stream:read "l" })
    assert.equal("closed", select(2, stream:write "x").code)
  end)
end)

describe("many peers with streams", function()
  it("take no more together than a node gives them", function()
    local _ <close> = limits { streams_of_all = 0 } -- one for each, and no more
    local net <close> = nodes.net()
    local a = start(net)
    read_streams(a)
    local one <close> = meet(a)
    local other <close> = meet(a)
    for _, stranger in ipairs { one, other } do
      assert(open(stranger, 1))
      assert.equal("busy", (stranger:refusal("open", { topic = "take", stream = 3 })))
    end
  end)
end)
