local filo = require "filo"
local http = require "spec.support.http"
local net = require "filo.core.net"
local temp = require "spec.support.temp"

describe("a file", function()
  it("that is not there, or none, is no answer", function()
    local folder <close> = temp.folder()
    local server <close> = http.serve(function(request) return filo.file(folder:file(request.query.name)) end)
    local client <close> = http.dial(server)
    assert.equal(404, client:get("/?name=no").status)
    assert.equal(400, client:get("/?name=").status)
    assert(os.execute("mkfifo " .. temp.quote(folder:file "pipe")))
    assert.equal(400, client:get("/?name=pipe").status)
    folder:write("empty", "")
    local answer = client:get "/?name=empty"
    assert.same({ 200, "", "0" }, { answer.status, answer.body, answer.headers["content-length"] })
  end)

  -- Another one was sent, which had that path.
  it("that was passed open, and has no path, is no answer", function()
    local folder <close> = temp.folder()
    local path = folder:write("file", "another")
    local server <close> = http.serve(function()
      local opened <close> = assert(net.open(folder:write("passed", "passed")))
      return filo.file(path, opened)
    end)
    assert.equal(501, http.ask(server, "GET", "/").status)
  end)

  it("that becomes shorter while it is sent is seen to be cut", function()
    local folder <close> = temp.folder()
    local path = folder:write("file", ("x"):rep(20 << 20))
    local server <close>, log = http.serve(function() return filo.file(path) end)
    local client <close> = http.dial(server)
    client:send(http.text("GET", "/"))
    client:up_to "\r\n\r\n"
    folder:write("file", "short")
    local body, cut = client:bytes(20 << 20)
    assert.is_true(cut and #body < 20 << 20)
    assert.matches("became shorter", log[1])
  end)

  -- Its descriptor stayed open until it was collected.
  it("is closed when it is not sent to its end", function()
    collectgarbage "stop"
    local folder <close> = temp.folder()
    local path = folder:write("file", ("x"):rep(20 << 20))
    for _, by_server in ipairs { true, false } do
      local server <close> = http.serve(function() return filo.file(path) end)
      local client <close> = http.dial(server)
      client:send(http.text("GET", "/"))
      client:up_to "\r\n\r\n"
      if by_server then server:close() else client:close() end
    end
    collectgarbage "restart"
  end)
end)
