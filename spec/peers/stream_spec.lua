---Streams between scripts, from node to node. What peers do that keep to no rules: hostile_stream_spec.lua.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

local MIB = 1 << 20

---Sends back what comes, until it ends.
local function echo(stream)
  while true do
    local piece, err = stream:read(65536)
    if not piece then return err == nil, err end
    assert(stream:write(piece))
  end
end

---Writes all of it, ends it, and gives what came back meanwhile.
local function send_through(stream, bytes)
  local writing = filo.spawn(function()
    assert(stream:write(bytes))
    assert(stream:finish())
  end)
  local back = assert(stream:read "a")
  writing:join()
  return back
end

---A stream from a to b, and the one that its handler at b has got, which stays open until it is closed here.
local function open_pair(a, b, body)
  local handed, over = filo.channel(), filo.channel()
  b:handle_stream("pair", function(stream, given)
    handed:send { stream = stream, body = given }
    over:receive()
  end)
  local near = assert(a:open_stream(b.id, "pair", body))
  local far = assert(handed:receive(10))
  return near, far.stream, function() over:close() end, far.body
end

local function assert_fails(code, ...)
  local result, err = ...
  assert.is_nil(result)
  assert.is_truthy(err, "an error was expected: " .. code)
  assert.equal(code, err.code)
  return tostring(err)
end

describe("a stream", function()
  it("carries 8 MiB both ways at once", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("echo", echo)
    local bytes = nodes.bytes(8 * MIB)
    local stream <close> = assert(a:open_stream(b.id, "echo"))
    assert.is_true(send_through(stream, bytes) == bytes)
    assert.same({}, { stream:read(1) }) -- nothing, and no error: the end
    assert.equal("", stream:read "a")
  end)

  it("tells the handler who opens it, and with which body", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("who", function(stream, body, peer) assert(stream:write(("%s %s"):format(body and body.text, peer.id))) end)
    for _, body in ipairs { { text = "text" }, false } do
      local stream <close> = assert(a:open_stream(b:peers()[1] and a:peers()[1], "who", body or nil))
      assert.equal(("%s %s"):format(body and "text" or nil, a.id), stream:read())
    end
  end)

  it("gives lines, pieces and all the rest, as a raw connection does", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    assert(far:write "one\ntwo\r\n\nfour")
    assert(far:finish())
    assert.equal("one", near:read())
    assert.equal("two", near:read "l")
    assert.equal("", near:read "l")
    assert.equal("fo", near:read(2))
    assert.equal("ur", near:read "l")
    assert.same({}, { near:read "l" })
    over()
  end)

  it("takes many small writes, and none", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    filo.spawn(function()
      for i = 1, 3000 do
        assert(near:write "")
        assert(near:write(i .. "\n"))
      end
      assert(near:finish())
    end)
    for i = 1, 3000 do assert.equal(tostring(i), far:read "l") end
    assert.same({}, { far:read "l" })
    assert.is_true(far:finish())
    assert.equal("", near:read "a")
    over()
  end)

  it("goes on the other way when one side has finished", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    assert(near:finish())
    assert(near:finish()) -- no harm
    raises("^spec/peers/stream_spec.lua:%d+: the stream was finished", function() near:write "more" end)
    assert.same({}, { far:read(10) })
    assert(far:write "answer\n")
    assert.equal("answer", near:read "l")
    over()
    assert.same({}, { near:read(1) })
  end)

  it("is read up to a deadline", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    for _, what in ipairs { 10, "l", "a" } do
      for _, seconds in ipairs { 0.01, 0, -1 } do
        assert.matches("nothing came in time", (assert_fails("timeout", near:read(what, seconds))))
      end
    end
    assert(far:write "late\n")
    assert.equal("late", near:read("l", math.huge))
    over()
  end)

  it("waits for its reader, while others and requests go on", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("echo", echo)
    b:handle("name", function() return "b" end)
    local near <close>, far, over = open_pair(a, b)
    local pieces, piece = 0, ("x"):rep(65536)
    local writing = filo.spawn(function()
      while near:write(piece) and pieces < 20 do pieces = pieces + 1 end
      near:finish()
    end)
    nodes.wait(function() return pieces == 4 end)
    local other <close> = assert(a:open_stream(b.id, "echo"))
    local bytes = nodes.bytes(MIB)
    assert.is_true(send_through(other, bytes) == bytes)
    assert.equal("b", a:request(b.id, "name"))
    assert.equal(4, pieces) -- 256 KiB, and not a byte more
    assert.equal(21 * #piece, #far:read "a")
    writing:join()
    over()
  end)

  it("has lines of up to 256 KiB", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    local writing = filo.spawn(function()
      assert(far:write(("x"):rep(200000) .. "\n" .. ("y"):rep(262143) .. "\n" .. ("z"):rep(262145)))
    end)
    assert.equal(200000, #near:read "l")
    assert.equal(262143, #near:read "l")
    assert.matches("a line of more than 262144 bytes", (assert_fails("too_large", near:read "l")))
    assert.equal("z", near:read(1))
    writing:join()
    over()
  end)
end)

describe("opening a stream", function()
  it("takes right arguments only", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local at = "^spec/peers/stream_spec.lua:%d+: "
    for what, fn in pairs {
      ["is there a dot in place of the colon"] = function() a.open_stream("id", "topic") end,
      ["a topic must be a string"] = function() a:open_stream(a.id, 5) end,
      ["the topic 'open' is Filo's own"] = function() a:open_stream(a.id, "open") end,
      ["the topic 'ping' is Filo's own"] = function() a:handle_stream("ping", print) end,
      ["a topic must be a string of"] = function() a:handle_stream("", print) end,
      ["handle_stream: a function expected"] = function() a:handle_stream("topic", "fn") end,
      ["open_stream: a peer, or a node ID, expected"] = function() a:open_stream(5, "topic") end,
      ["open_stream: the body cannot be sent"] = function() a:open_stream(a.id, "topic", print) end,
      ["open_stream: seconds expected"] = function() a:open_stream(a.id, "topic", nil, "soon") end,
    } do raises(at .. ".*" .. what, fn) end
  end)

  it("fails when there is no such peer, or nothing that handles it", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert.matches("is not connected", (assert_fails("unreachable", a:open_stream(("0"):rep(64), "topic"))))
    assert.matches("no handler of streams 'topic'", (assert_fails("not_found", a:open_stream(b.id, "topic"))))
    b:handle_stream("topic", echo)
    assert(a:open_stream(b.id, "topic")):close()
    b:handle_stream("topic", nil)
    assert_fails("not_found", a:open_stream(b.id, "topic"))
  end)

  it("takes a body as long as that of a request", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, _, over, body = open_pair(a, b, ("x"):rep(1000000))
    assert.equal(1000000, #body)
    assert_fails("too_large", a:open_stream(b.id, "pair", ("x"):rep(MIB)))
    over()
    assert.same({}, { near:read(1) })
  end)

  it("fails as busy beyond 16 at once, until one has ended", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("echo", echo)
    local open = {}
    for i = 1, 16 do open[i] = assert(a:open_stream(b.id, "echo")) end
    assert.matches("16 streams of this peer are open", (assert_fails("busy", a:open_stream(b.id, "echo"))))
    for i, stream in ipairs(open) do
      assert(stream:write(i .. "\n"))
      assert.equal(tostring(i), stream:read "l")
    end
    open[1]:close()
    local another = nodes.wait(function() return (a:open_stream(b.id, "echo")) end)
    open[1] = another
    for _, stream in ipairs(open) do stream:close() end
  end)

  it("fails as busy when those of all peers are too many, but for one of each", function()
    local _ <close> = limits { streams_of_all = 1200 << 10 }
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    a:handle_stream("echo", echo)
    local first <close> = assert(b:open_stream(a.id, "echo"))
    local second <close> = assert(b:open_stream(a.id, "echo"))
    assert_fails("busy", b:open_stream(a.id, "echo"))
    local third <close> = assert(c:open_stream(a.id, "echo"))
    assert_fails("busy", c:open_stream(a.id, "echo"))
    for _, stream in ipairs { first, second, third } do
      assert(stream:write "x\n")
      assert.equal("x", stream:read "l")
    end
  end)

  it("leaves nothing open at the other side when it takes too long", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("late", function(stream) stream:write(("x"):rep(MIB)) end)
    for _ = 1, 100 do assert.is_nil((a:open_stream(b.id, "late", nil, 0))) end
    local stream <close> = nodes.wait(function() return (a:open_stream(b.id, "late")) end)
    assert.equal(MIB, #stream:read "a")
  end)
end)

describe("misuse of a stream", function()
  it("is an error at the line of the script", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near, far, over = open_pair(a, b)
    local at = "^spec/peers/stream_spec.lua:%d+: "
    for what, fn in pairs {
      ["bad argument #1 to 'read' %(filo.stream expected"] = function() near.read(5) end,
      ["bad argument #1 to 'write' %(filo.stream expected"] = function() near.write "x" end,
      ["bad argument #1 to 'read' %(a number of bytes, 1 or more"] = function() near:read(0) end,
      ["bad argument #1 to 'read' %(number has no integer"] = function() near:read(1.5) end,
      ["bad argument #1 to 'read' %(invalid option 'n'"] = function() near:read "n" end,
      ["bad argument #2 to 'read' %(number expected"] = function() near:read(1, "soon") end,
      ["bad argument #1 to 'write' %(string expected"] = function() near:write {} end,
    } do raises(at .. what, fn) end
    local reading = filo.spawn(near.read, near, 1)
    filo.sleep(0)
    raises(at .. "another task reads from this stream already", function() near:read(1) end)
    assert(far:write "x")
    assert.equal("x", reading:join())
    near:close()
    near:close()
    for _, call in ipairs { "read", "write", "finish" } do
      raises(at .. "bad argument #1 to .* %(the stream is closed", function() near[call](near, "l") end)
    end
    over()
  end)
end)

describe("the end of a stream", function()
  it("comes when the handler ends: what it wrote arrives before, and nobody reads any more", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("greet", function(stream) assert(stream:write(("x"):rep(300000))) end)
    local stream <close> = assert(a:open_stream(b.id, "greet"))
    assert.equal(300000, #stream:read "a")
    nodes.wait(function() return not stream:write(("x"):rep(1000)) end)
    assert_fails("closed", stream:write "x")
    assert_fails("closed", stream:finish())
    assert.equal("", stream:read "a")
  end)

  it("is told to the other side, and in the log, when the handler fails half-way", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("fail", function(stream)
      assert(stream:write "half")
      error "/a/secret/path is not there"
    end)
    local stream <close> = assert(a:open_stream(b.id, "fail"))
    local bytes, err = stream:read "a"
    assert.is_nil(bytes)
    assert.equal("io", err.code)
    assert.matches(b.id:sub(1, 16), tostring(err))
    assert.not_matches("secret", tostring(err))
    assert_fails("io", stream:write "x")
    assert.equal("half", stream:read(10) or "half")
    net:expect "b error: the handler of streams 'fail' failed: .*/a/secret/path is not there"
  end)

  it("has the code of the error that the handler gives", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("code", function(_, code) return nil, filo.error(code, "no") end)
    for given, expected in pairs {
      not_found = "not_found", no_space = "no_space", cancelled = "closed", exists = "closed", ["Mine!"] = "io", own_code = "io",
    } do
      local stream <close> = assert(a:open_stream(b.id, "code", given))
      assert_fails(expected, stream:read "a")
    end
    assert.is_nil(net:logged "handler of streams")
  end)

  it("comes when either side closes: the other cannot read or write any more", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, closes in ipairs { "near", "far" } do
      local near, far, over = open_pair(a, b)
      local one, other = near, far
      if closes == "far" then one, other = far, near end
      local reading = filo.spawn(other.read, other, "a")
      local writing = filo.spawn(other.write, other, ("x"):rep(MIB))
      assert.equal("x", one:read(1))
      one:close()
      assert_fails("closed", reading:join(10))
      assert_fails("closed", writing:join(10))
      assert_fails("closed", other:read(1))
      over()
      near:close()
    end
  end)

  it("comes to who waits here, too", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near, _, over = open_pair(a, b)
    local reading = filo.spawn(near.read, near, "a")
    local writing = filo.spawn(near.write, near, ("x"):rep(MIB))
    filo.sleep(0)
    near:close()
    assert_fails("closed", reading:join(10))
    assert_fails("closed", writing:join(10))
    over()
  end)

  it("comes when a write is cancelled, since nobody knows how much of it has gone", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    local writing = filo.spawn(near.write, near, ("x"):rep(MIB)):observe()
    filo.sleep(0)
    writing:cancel()
    assert.is_false((pcall(writing.join, writing)))
    assert_fails("closed", near:write "x")
    repeat
      local piece, err = far:read(MIB)
      assert.is_true(piece ~= nil or err ~= nil) -- cut, and no end
    until not piece
    over()
  end)

  it("does not come when a read is cancelled", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    assert_fails("timeout", filo.timeout(0, function() return near:read "a" end))
    assert(far:write "x\n")
    assert.equal("x", near:read "l")
    over()
  end)

  -- The error had neither a peer nor a word on why; and a handler that slept held its place until it woke.
  it("is told with who it was, also to who neither reads nor writes", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    assert.is_nil(far:wait_cut(0))
    local waiting = filo.spawn(far.wait_cut, far)
    filo.sleep(0)
    raises("another task waits for the end of this stream already", function() far:wait_cut() end)
    near:close()
    local err = waiting:join(10)
    assert.same({ "closed", a.id, err }, { err.code, err.peer, far:wait_cut() })
    assert.matches("^node " .. a.id:sub(1, 16) .. ": .* closed the stream$", tostring(err))
    over()
    local one <close>, _, end_of_one = open_pair(a, b)
    end_of_one() -- the handler ends, and with it what it writes
    assert.equal("", one:read("a", 10))
    nodes.wait(function() return not one:write "x" end)
    assert.same({ "closed", b.id }, { one:wait_cut().code, one:wait_cut().peer })
  end)

  it("does not come when both sides end in order", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, far, over = open_pair(a, b)
    local waiting = filo.spawn(near.wait_cut, near)
    assert(near:finish())
    assert(far:finish())
    assert.equal(0, select("#", waiting:join(10)))
    assert.equal("", far:read "a")
    assert.is_nil(far:wait_cut())
    over()
  end)

  it("comes when nobody has the stream any more", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local ended = filo.channel()
    b:handle_stream("wait", function(stream) ended:send { stream:read "a" } end)
    assert(a:open_stream(b.id, "wait"))
    collectgarbage()
    collectgarbage()
    assert_fails("closed", table.unpack(ended:receive(10), 1, 2))
  end)
end)

describe("when a peer goes", function()
  it("its streams are cut, and what handles them is cancelled", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local begun, ended = filo.channel(), filo.channel(2)
    b:handle_stream("wait", function()
      local _ <close> = setmetatable({}, { __close = function(_, err) ended:send(err.code) end })
      begun:send(true)
      filo.sleep(3600)
    end)
    local stream <close> = assert(a:open_stream(b.id, "wait"))
    begun:receive()
    local reading = filo.spawn(stream.read, stream, "a")
    local writing = filo.spawn(stream.write, stream, ("x"):rep(MIB))
    filo.sleep(0)
    net:stop "a"
    assert.equal("cancelled", ended:receive(10))
    assert_fails("closed", reading:join(10))
    assert_fails("closed", writing:join(10))
    assert.is_nil(net:logged "handler of streams")
    raises("the node is closed", function() a:open_stream(b.id, "wait") end)
  end)

  it("the other side learns it, too", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local near <close>, _, over = open_pair(a, b)
    local reading = filo.spawn(near.read, near, "a")
    filo.sleep(0)
    net:stop "b"
    assert_fails("closed", reading:join(10))
    assert_fails("closed", near:write "x")
    over()
  end)

  it("because another connection to it takes over, the streams fail as closed", function()
    local net <close> = nodes.net()
    local stays, gives_way = net:start "a", net:start "b"
    if stays.id > gives_way.id then stays, gives_way = gives_way, stays end
    assert(gives_way:connect(stays.address))
    nodes.peers(stays, 1)
    for _, node in ipairs { stays, gives_way } do
      node:handle_stream("wait", function(stream) stream:read "a" end)
    end
    local one <close> = assert(stays:open_stream(gives_way.id, "wait"))
    local other <close> = assert(gives_way:open_stream(stays.id, "wait"))
    local reading = { filo.spawn(one.read, one, "a"), filo.spawn(other.read, other, "a") }
    filo.sleep(0)
    assert(stays:connect(gives_way.address))
    for _, each in ipairs(reading) do assert_fails("closed", each:join(10)) end
    local again <close> = assert(stays:open_stream(gives_way.id, "wait"))
    assert(again:finish())
    assert.equal("", again:read "a")
  end)
end)

-- The example of lua/README.md.
describe("a script that sends a file and gets its digest back", function()
  it("does so", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle_stream("digest", function(stream)
      local hasher <close> = filo.crypto.hasher "sha256"
      for piece in function() return stream:read(65536) end do hasher:update(piece) end
      assert(stream:write(filo.crypto.hex(hasher:finish())))
    end)
    local bytes = nodes.bytes(3 * MIB + 5)
    local path = net.folder:write("film.mkv", bytes)
    local stream <close> = assert(a:open_stream(b.id, "digest", { name = "film.mkv" }))
    for piece in io.lines(path, 65536) do assert(stream:write(piece)) end
    assert(stream:finish())
    assert.equal(crypto.hex(crypto.digest("sha256", bytes)), assert(stream:read("a", 60)))
  end)
end)
