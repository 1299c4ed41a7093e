local filo = require "filo"
local http = require "spec.support.http"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"

local CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

---A task that calls what comes over the first channel and puts the results, with whether it failed, into the second.
local function worker()
  local calls, results = filo.channel(), filo.channel()
  local task = filo.spawn(function()
    while true do results:send(table.pack(pcall(calls:receive()))) end
  end)
  return task, calls, results
end

describe("the body of a request", function()
  it("is read whole, in pieces, and in a loop", function()
    local server <close> = http.serve(function(request)
      local body, pieces = request:body(), {}
      if request.path == "/a" then return body:read "a" end
      if request.path == "/chunks" then
        for piece in body:chunks() do pieces[#pieces + 1] = piece end
        return table.concat(pieces)
      end
      repeat
        local piece = assert(body:read(2))
        pieces[#pieces + 1] = piece
      until #piece < 2
      assert(body:read(2) == nil and body:read(2) == nil and body:read "a" == "")
      return table.concat(pieces, "|")
    end)
    local client <close> = http.dial(server)
    assert.equal("abcde", client:ask("PUT", "/a", { body = "abcde" }).body)
    assert.equal("abcde", client:ask("PUT", "/chunks", { body = "abcde" }).body)
    assert.equal("ab|cd|e", client:ask("PUT", "/pieces", { body = "abcde" }).body)
    client:send "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n"
    assert.equal("abcde", client:answer().body)
    assert.equal("", client:get("/a").body)
  end)

  it("says how long it is, where that is known", function()
    local server <close> = http.serve(function(request) return tostring(request:body().length) end)
    local client <close> = http.dial(server)
    assert.equal("5", client:ask("PUT", "/", { body = "abcde" }).body)
    assert.equal("0", client:get("/").body)
    client:send "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert.equal("nil", client:answer().body)
  end)

  it("is refused where it is longer than wanted", function()
    local server <close> = http.serve(function(request) return request:body():read("a", 5) end)
    local client <close> = http.dial(server)
    assert.equal("abcde", client:ask("PUT", "/", { body = "abcde" }).body)
    local answer = client:ask("PUT", "/", { body = "abcdef" })
    assert.same({ 413, "the body has more than 5 B\n" }, { answer.status, answer.body })
    assert.equal("abc", client:ask("PUT", "/", { body = "abc" }).body)
  end)

  it("need not be read: a short one is skipped, with a long one the connection ends", function()
    local server <close> = http.serve(function(request) return request.path end)
    local client <close> = http.dial(server)
    assert.equal("/a", client:ask("PUT", "/a", { body = ("x"):rep(200000) }).body)
    assert.equal("/b", client:ask("PUT", "/b").body)
    client:send "PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
    assert.equal("/c", client:answer().body)
    client:send(("x"):rep(400000))
    client:end_of()
  end)

  it("may be what the answer is made of", function()
    local server <close> = http.serve(function(request) return request:body():chunks() end)
    local client <close> = http.dial(server)
    local long = ("0123456789"):rep(50000)
    client:send "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc"
    client:send "def"
    assert.equal("abcdef", client:answer().body)
    assert.equal(long, client:ask("PUT", "/", { body = long }).body)
  end)
end)

describe("a client that waits for 100 Continue", function()
  local EXPECTING = "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"

  it("is asked for the body by who reads it, once", function()
    local server <close> = http.serve(function(request)
      local body = request:body()
      return body:read(1) .. body:read(1) .. body:read(1)
    end)
    local client <close> = http.dial(server)
    for _ = 1, 2 do
      client:send(EXPECTING)
      assert.equal(CONTINUE, client:up_to "\r\n\r\n")
      client:send "abc"
      assert.equal("abc", client:answer().body)
    end
  end)

  it("is not asked when nobody wants it", function()
    local server <close> = http.serve(function() return 403 end)
    local client <close> = http.dial(server)
    client:send(EXPECTING)
    local answer = client:answer()
    assert.same({ 403, "close" }, { answer.status, answer.headers.connection })
    client:end_of()
  end)

  -- It was asked in the midst of the answer, whose content that became.
  it("is asked before an answer that is made of the body", function()
    local server <close> = http.serve(function(request) return request:body():chunks() end)
    local client <close> = http.dial(server)
    client:send(EXPECTING)
    assert.equal(CONTINUE, client:up_to "\r\n\r\n")
    client:send "abc"
    assert.equal("abc", client:answer().body)
  end)

  it("is not asked once the answer has begun", function()
    local kept
    local server <close> = http.serve(function(request)
      kept = request:body()
      return "answered"
    end)
    local client <close> = http.dial(server)
    client:send(EXPECTING)
    assert.equal("answered", client:answer().body)
    refused("closed", kept:read(3))
    client:end_of()
  end)

  it("is not asked when it speaks HTTP/1.0, which knows no such answer", function()
    local server <close> = http.serve(function(request) return request:body():read "a" end)
    local client <close> = http.dial(server)
    client:send "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
    local answer = client:answer()
    assert.same({ 200, "abc" }, { answer.status, answer.body })
  end)

  -- The AWS command line took the answer that came at once for that of its next request, and waited a minute for that one's content.
  it("is told to go on where nothing comes, too, once", function()
    local server <close> = http.serve(function(request) return request.path == "/denied" and 403 or request:body():read "a" end)
    local client <close> = http.dial(server)
    for path, status in pairs { ["/"] = 200, ["/denied"] = 403 } do
      client:send(("PUT %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"):format(path))
      assert.equal(CONTINUE, client:up_to "\r\n\r\n")
      assert.equal(status, client:answer().status)
    end
    client:send "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert.equal(200, client:answer().status)
  end)
end)

describe("a body that is kept", function()
  ---The bodies of requests, which are answered when that channel says so.
  local function keeping()
    local bodies, go = filo.channel(10), filo.channel(10)
    local server, log = http.serve(function(request)
      bodies:send(request:body())
      return go:receive()
    end)
    return server, bodies, go, log
  end

  it("is read by one task at a time", function()
    local server, bodies, go = keeping()
    local _ <close> = server
    local task, calls, results = worker()
    local client <close> = http.dial(server)
    client:send "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    local body = bodies:receive(10)
    calls:send(function() return body:read(3) end)
    filo.sleep(0)
    raises("bodies_spec.lua:%d+: read: another task reads this body", function() body:read(1) end)
    raises("bodies_spec.lua:%d+: chunks: another task reads this body", function() body:chunks() end)
    client:send "abc"
    assert.equal("abc", results:receive(10)[2])
    assert.is_nil(body:read(3))
    go:send "answered"
    assert.equal("answered", client:answer().body)
    task:cancel()
  end)

  -- What was read then were bytes of the next request's body.
  it("gives nothing once the request is answered, whatever comes next", function()
    local server, bodies, go = keeping()
    local _ <close> = server
    local client <close> = http.dial(server)
    client:send(http.text("PUT", "/1", { body = "first" }))
    local first = bodies:receive(10)
    go:send "1"
    assert.equal("1", client:answer().body)
    client:send(http.text("PUT", "/2", { body = "second" }))
    local second = bodies:receive(10)
    assert.matches("has been answered", refused("closed", first:read(3)))
    assert.matches("has been answered", refused("closed", first:read "a"))
    raises("has been answered", first:chunks())
    assert.equal("second", second:read "a")
    go:send "2"
    assert.equal("2", client:answer().body)
  end)

  -- The connection's own task failed.
  it("that a task is reading when the request is answered ends with the connection", function()
    local server, bodies, go, log = keeping()
    local _ <close> = server
    local task, calls, results = worker()
    local client <close> = http.dial(server)
    client:send "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n"
    local body = bodies:receive(10)
    calls:send(function() return body:read(3) end)
    filo.sleep(0)
    go:send "answered"
    assert.equal("answered", client:answer().body)
    client:end_of()
    assert.equal("closed", results:receive(10)[3].code)
    assert.same({}, log)
    task:cancel()
  end)

  it("gives nothing once the client is gone", function()
    local server, bodies, go = keeping()
    local _ <close> = server
    local client <close> = http.dial(server)
    client:send "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab"
    local body = bodies:receive(10)
    assert.equal("ab", body:read(3))
    client:close()
    assert.matches("within a body", refused("unreachable", body:read(3)))
    go:send "answered"
    while server.connections > 0 do filo.sleep(0) end
    refused("closed", body:read(3))
  end)

  it("says what is wrong with a call", function()
    local server <close> = http.serve(function(request)
      local body = request:body()
      raises("bodies_spec.lua:%d+: read: a number of bytes", function() body:read(0) end)
      raises("bodies_spec.lua:%d+: read: a number of bytes", function() body:read "l" end)
      raises("bodies_spec.lua:%d+: a body expected", function() body.read(3) end)
      raises("can only be read", function() body.length = 3 end)
      return body:read "a"
    end)
    assert.equal("abc", http.ask(server, "PUT", "/", { body = "abc" }).body)
  end)
end)
