local filo = require "filo"
local http = require "spec.support.http"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

local function path_of(request) return request.path end

local function no_connections(server)
  nodes.wait(function() return server.connections == 0 end, "end of all connections")
end

describe("a client", function()
  it("that sends nothing is let go, as in order", function()
    local server <close> = http.serve(path_of, { idle = 0.5 })
    local silent <close> = http.dial(server)
    silent:end_of()
    local client <close> = http.dial(server)
    assert.equal("/a", client:get("/a").body)
    client:end_of()
    assert.same({ "closed", "closed" }, { silent.ended, client.ended })
  end)

  it("has all the time that there is, where no time is too long", function()
    local server <close> = http.serve(path_of, { idle = math.huge, head = math.huge, stall = math.huge })
    local client <close> = http.dial(server)
    client:send "GET /a HTTP/1.1\r\n"
    client:send "Host: x\r\n\r\n"
    assert.equal("/a", client:answer().body)
    assert.equal("/b", client:ask("PUT", "/b", { body = "abc" }).body)
  end)

  -- The connection had failed before it could be told.
  it("that sends a head too slowly is told so", function()
    local server <close>, log = http.serve(path_of, { head = 0.05 })
    for _, begun in ipairs { "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n", http.text("GET", "/") .. "GET" } do
      local client <close> = http.dial(server)
      client:send(begun)
      local answer = client:answer()
      if answer.status == 200 then answer = client:answer() end
      assert.same({ 408, "close" }, { answer.status, answer.headers.connection })
      client:end_of()
    end
    assert.same({}, log)
  end)

  it("gets no more time for a head that it sends byte by byte", function()
    local server <close> = http.serve(path_of, { head = 0.1 })
    local client <close> = http.dial(server)
    client:send "GET /"
    local dripping = filo.spawn(function()
      while client.raw:write "a" and client.raw:flush() do filo.sleep(0.01) end
    end)
    assert.equal(408, client:answer().status)
    client:close()
    pcall(dripping.join, dripping)
  end)

  it("that stops in the midst of a body fails its handler", function()
    local errs = filo.channel()
    local server <close> = http.serve(function(request)
      local bytes, err = request:body():read "a"
      errs:send(err)
      return bytes, err
    end, { stall = 0.05 })
    local client <close> = http.dial(server)
    client:send "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
    assert.equal("timeout", errs:receive(10).code)
    no_connections(server)
  end)

  -- The time went on when the read had been given up, and then the connection failed.
  it("whose body is not waited for any more may take its time", function()
    local server <close> = http.serve(function(request)
      local body = request:body()
      local _, err = filo.timeout(0.02, function() return body:read(1) end)
      filo.sleep(0.7)
      return err.code
    end, { stall = 0.5 })
    local client <close> = http.dial(server)
    client:send "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    assert.equal("timeout", client:answer().body)
    client:send "0123456789"
    assert.equal("timeout", client:ask("PUT", "/", { headers = { ["Content-Length"] = 10 } }).body)
  end)

  it("that takes nothing of an answer loses the connection", function()
    local folder <close> = temp.folder()
    local path = folder:write("file", ("x"):rep(20 << 20))
    local long = ("x"):rep(20 << 20)
    local server <close>, log = http.serve(function(request)
      if request.path == "/file" then return filo.file(path) end
      if request.path == "/text" then return long end
      return function() return long end
    end, { stall = 0.05 })
    for _, target in ipairs { "/file", "/text", "/fn" } do
      local client <close> = http.dial(server)
      client:send(http.text("GET", target))
      nodes.wait(function() return server.connections == 1 end, "connection")
      no_connections(server)
    end
    assert.same({}, log)
  end)

  it("that goes away in the midst of an answer leaves nothing behind", function()
    local long = ("x"):rep(20 << 20)
    local server <close>, log = http.serve(function(request)
      if request.path == "/text" then return long end
      return function() return long end
    end)
    for _, target in ipairs { "/text", "/fn" } do
      local client = http.dial(server)
      client:send(http.text("GET", target))
      client:up_to "\r\n\r\n"
      client:close()
      no_connections(server)
    end
    assert.same({}, log)
  end)
end)

describe("a head", function()
  it("is as large as it may be, and no larger", function()
    local server <close> = http.serve(function(request) return tostring(#request.raw_path) end)
    local client <close> = http.dial(server)
    assert.equal("16384", client:get("/" .. ("a"):rep(16383)).body)
    assert.equal(414, http.ask(server, "GET", "/" .. ("a"):rep(16384)).status)
    assert.equal(200, client:get("/", { X = ("x"):rep(60000) }).status)
    assert.equal(431, http.ask(server, "GET", "/", { headers = { X = ("x"):rep(66000) } }).status)
    local headers = {}
    for i = 1, 127 do headers["X-" .. i] = i end
    assert.equal(200, client:get("/", headers).status)
    headers["X-128"] = 128
    assert.equal(431, http.ask(server, "GET", "/", { headers = headers }).status)
  end)

  it("of trailers, and what is around chunks, is bounded, too", function()
    local server <close> = http.serve(function(request)
      local bytes, err = request:body():read "a"
      return bytes and #bytes .. "" or err.code
    end)
    local chunked = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _, rest in ipairs { "1;" .. ("x"):rep(100000) .. "\r\n", "0\r\n" .. ("T: x\r\n"):rep(20000) } do
      local client <close> = http.dial(server)
      filo.spawn(function() client.raw:write(chunked .. rest) end)
      assert.equal("invalid", client:answer().body)
    end
    local client <close> = http.dial(server)
    client:send(chunked .. ("1\r\nx\r\n"):rep(20000) .. "0\r\n\r\n")
    assert.equal("20000", client:answer().body)
  end)
end)

describe("where no more connections may be", function()
  it("those that are idle make room", function()
    local server <close> = http.serve(path_of, { connections = 3 })
    local clients = {}
    for i = 1, 20 do
      clients[i] = http.dial(server)
      assert.equal("/" .. i, clients[i]:get("/" .. i).body)
      assert.is_true(server.connections <= 3)
    end
    for i = 1, 17 do clients[i]:end_of() end
    assert.equal("/again", clients[20]:get("/again").body)
    for _, client in ipairs(clients) do client:close() end
  end)

  it("those that never say a word keep nobody out", function()
    local server <close> = http.serve(path_of, { connections = 2 })
    local silent = {}
    for i = 1, 10 do
      silent[i] = http.dial(server)
      silent[i]:send "GET / HT"
    end
    assert.equal("/x", http.ask(server, "GET", "/x").body)
    assert.is_true(server.connections <= 3)
    for _, client in ipairs(silent) do client:close() end
  end)

  it("those that are answered stay, and who comes is turned away", function()
    local go, begun = filo.channel(), filo.channel(2)
    local server <close> = http.serve(function(request)
      begun:send(true)
      go:receive()
      return request.path
    end, { connections = 2 })
    local a <close> = http.dial(server)
    local b <close> = http.dial(server)
    a:send(http.text("GET", "/a"))
    b:send(http.text("GET", "/b"))
    for _ = 1, 2 do begun:receive(10) end
    local c <close> = http.dial(server)
    assert.equal("", c:rest())
    go:close()
    assert.equal("/a", a:answer().body)
    assert.equal("/b", b:answer().body)
  end)
end)

describe("many", function()
  it("idle connections need little memory", function()
    local server <close> = http.serve(path_of, { connections = 300 })
    local clients = {}
    for i = 1, 200 do
      clients[i] = http.dial(server)
      assert.equal("/", clients[i]:get("/").body)
    end
    assert.equal(200, server.connections)
    for _, client in ipairs(clients) do
      assert.equal("/once", client:get("/once").body)
      client:close()
    end
    no_connections(server)
  end)

  it("requests on one connection leave nothing behind", function()
    local server <close> = http.serve(path_of)
    local client <close> = http.dial(server)
    local text = http.text("PUT", "/a", { body = "abc" })
    local function go(rounds)
      for _ = 1, rounds do
        client:send(text:rep(50))
        for _ = 1, 50 do client:answer() end
      end
      collectgarbage()
      return collectgarbage "count"
    end
    go(5)
    local before = go(5)
    assert.is_true(go(40) < before + 100)
  end)
end)
