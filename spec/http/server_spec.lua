local filo = require "filo"
local http = require "spec.support.http"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local temp = require "spec.support.temp"

---A server whose handler waits for `go`, after telling `begun`.
local function waiting()
  local begun, go = filo.channel(10), filo.channel(10)
  local server, log = http.serve(function(request)
    begun:send(true)
    go:receive()
    return request.path
  end)
  return server, begun, go, log
end

describe("a server", function()
  it("listens where it says", function()
    local server <close> = http.serve(function(request) return request.remote end)
    assert.matches("^127%.0%.0%.1:%d+$", server.address)
    assert.matches("^127%.0%.0%.1:%d+$", http.ask(server, "GET", "/").body)
    assert.equal("server at " .. server.address, tostring(server))
    refused("exists", filo.http.serve(server.address, function() end))
  end)

  it("listens at a Unix socket", function()
    local folder <close> = temp.folder()
    local server = http.serve(function(request) return request.remote end, { address = "unix:" .. folder:file "socket" })
    local client <close> = http.dial("unix:" .. folder:file "socket")
    assert.matches("^process %d+$", client:get("/").body)
    server:close()
    client:end_of()
    assert.is_false(nodes.exists(folder:file "socket"))
  end)

  it("says what is wrong with a call", function()
    local function nothing() end
    raises("server_spec.lua:%d+: serve: an address expected", function() filo.http.serve(80, nothing) end)
    raises("server_spec.lua:%d+: serve: a function expected", function() filo.http.serve("127.0.0.1:0", {}) end)
    raises("server_spec.lua:%d+: serve: .*'idle'.*more than 0", function() filo.http.serve("127.0.0.1:0", nothing, { idle = 0 }) end)
    raises("server_spec.lua:%d+: serve: .*'tls'", function() filo.http.serve("127.0.0.1:0", nothing, { tls = {} }) end)
    refused("invalid", filo.http.serve("nonsense", nothing))
    refused("not_found", filo.http.serve("unix:/no/such/folder/socket", nothing))
    local server <close> = http.serve(nothing)
    raises("server_spec.lua:%d+: a server expected", function() server.close() end)
    raises("can only be read", function() server.address = "x" end)
  end)

  it("answers several at once", function()
    local server, begun, go = waiting()
    local _ <close> = server
    local clients = {}
    for i = 1, 3 do
      clients[i] = http.dial(server)
      clients[i]:send(http.text("GET", "/" .. i))
    end
    for _ = 1, 3 do begun:receive(10) end
    for _ = 1, 3 do go:send(true) end
    for i = 1, 3 do
      assert.equal("/" .. i, clients[i]:answer().body)
      clients[i]:close()
    end
  end)

  it("that closes cuts what it answers, and ends what is idle", function()
    local server, begun = waiting()
    local idle <close> = http.dial(server)
    local busy <close> = http.dial(server)
    busy:send(http.text("GET", "/"))
    begun:receive(10)
    nodes.wait(function() return server.connections == 2 end, "second connection")
    server:close()
    server:close()
    idle:end_of()
    busy:end_of()
    assert.is_nil(filo.dial(server.address))
  end)

  it("that closes may give answers some time", function()
    local server, begun, go, log = waiting()
    local idle <close> = http.dial(server)
    local busy <close> = http.dial(server)
    busy:send(http.text("GET", "/a") .. http.text("GET", "/never"))
    begun:receive(10)
    local closing = filo.spawn(function() server:close(10) end)
    idle:end_of()
    go:send(true)
    local answer = busy:answer()
    assert.same({ "/a", "close" }, { answer.body, answer.headers.connection })
    busy:end_of()
    closing:join()
    assert.same({}, log)
  end)

  -- It said that a task cannot join itself.
  it("may be closed by a handler, whose answer goes out", function()
    local server
    server = http.serve(function()
      server:close(1)
      return "bye"
    end)
    local waiter = filo.spawn(function() server:wait() end)
    local client <close> = http.dial(server)
    local answer = client:get "/"
    assert.same({ "bye", "close" }, { answer.body, answer.headers.connection })
    client:end_of()
    waiter:join()
  end)

  it("cancels what its handler has started, with it", function()
    local ended, started = filo.channel(), filo.channel()
    local server = http.serve(function()
      local _ <close> = setmetatable({}, { __close = function() ended:send(true) end })
      started:send(true)
      filo.sleep(1000)
    end)
    local client <close> = http.dial(server)
    client:send(http.text("GET", "/"))
    started:receive(10)
    local closing = filo.spawn(function() server:close() end)
    assert.is_true(ended:receive(10))
    closing:join()
  end)
end)
