local filo = require "filo"
local http = require "spec.support.http"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local temp = require "spec.support.temp"

---A certificate and its key, of that name, in a folder.
local function make_pair(folder, name)
  local made = process.run {
    program = "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-days", "1", "-subj", "/CN=" .. name, "-addext", "subjectAltName=IP:127.0.0.1",
    "-keyout", folder:file(name .. ".key"), "-out", folder:file(name .. ".pem"),
  }
  assert.equal(0, made.status, made.err)
  return { certificate = folder:file(name .. ".pem"), key = folder:file(name .. ".key") }
end

---Calls fn(server, ask, folder, log); ask(path, ...) gives what curl, with more options, says. head: seconds.
local function served(handler, fn, head)
  local folder <close> = temp.folder()
  local pair = make_pair(folder, "one")
  local server <close>, log = http.serve(handler, { tls = pair, head = head })
  fn(server, function(path, ...)
    return process.run {
      program = "curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", pair.certificate,
      "https://" .. server.address .. path, ...,
    }
  end, folder, log)
end

local function whoever() return "hello" end

---The name in the certificate that a server shows, and all that openssl says.
local function shown(server, ...)
  local result = process.run { program = "openssl", "s_client", "-connect", server.address, ... }
  return result.out:match "subject=CN ?= ?(%w+)", result.out .. result.err
end

describe("a server with a certificate", function()
  it("talks to clients that trust it", function()
    served(function(request) return ("%s %s"):format(request.secure, request:body():read "a") end, function(_, ask)
      assert.equal("true ", ask("/").out)
      assert.equal("true abc", ask("/", "--data", "abc").out)
    end)
    local plain <close> = http.serve(function(request) return tostring(request.secure) end)
    assert.equal("false", http.ask(plain, "GET", "/").body)
  end)

  it("takes and gives what is large", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local content = nodes.bytes(5000000)
    served(function(request)
      if request.method ~= "PUT" then return a:get "k" end
      assert(a:store("k", request:body()))
      return 201
    end, function(_, ask, folder)
      local path = folder:write("content", content)
      assert.equal("Created\n", ask("/", "--upload-file", path).out)
      assert.is_true(nodes.content(a, "k") == content)
      assert.equal(0, ask("/", "--output", path .. "2").status)
      assert.is_true(folder:read "content2" == content)
      assert.is_true(ask("/", "--range", "100000-100009").out == content:sub(100001, 100010))
    end)
  end)

  -- The end of what was cut was an orderly one.
  it("shows that an answer is cut, also where only its end says how long it is", function()
    served(function()
      local begun = false
      return function()
        if begun then error "broken" end
        begun = true
        return "abc"
      end
    end, function(_, ask)
      for _, version in ipairs { "--http1.0", "--http1.1" } do
        local result = ask("/", version)
        assert.equal("abc", result.out)
        assert.not_equal(0, result.status, version)
      end
    end)
  end)

  it("speaks TLS from 1.2 on, and HTTP/1.1 in it", function()
    served(whoever, function(server, ask)
      assert.equal("one", (shown(server, "-tls1_2")))
      assert.equal("one", (shown(server, "-tls1_3")))
      assert.is_nil((shown(server, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")))
      assert.matches("ALPN protocol: http/1.1", select(2, shown(server, "-alpn", "h2,http/1.1")))
      assert.matches("No ALPN negotiated", select(2, shown(server, "-alpn", "h2")))
      assert.equal("hello", ask("/").out)
    end)
  end)

  it("is not disturbed by who speaks no TLS, or nothing", function()
    served(whoever, function(server, ask, _, log)
      local clients = {}
      for i, bytes in ipairs { http.text("GET", "/"), "\x16\x03\x01", "\x16\x03\x01\x40\x00" .. ("\0"):rep(20000), "x", "" } do
        clients[i] = http.dial(server)
        if bytes ~= "" then clients[i]:send(bytes) end
      end
      for _, client in ipairs(clients) do
        client:rest()
        client:close()
      end
      assert.equal("hello", ask("/").out)
      assert.same({}, log)
    end, 2)
  end)

  -- The first one after that was still shown the old one.
  it("shows another one, once that is read", function()
    served(whoever, function(server, _, folder)
      local two = make_pair(folder, "two")
      assert(os.rename(two.certificate, folder:file "one.pem"))
      assert.equal("one", (shown(server)))
      refused("invalid", server:reload())
      assert.equal("one", (shown(server)))
      assert(os.rename(two.key, folder:file "one.key"))
      assert.is_true(server:reload())
      assert.equal("two", (shown(server)))
    end)
    local plain <close> = http.serve(whoever)
    assert.is_true(plain:reload())
  end)

  it("needs both, and that they belong together", function()
    local folder <close> = temp.folder()
    local one, two = make_pair(folder, "one"), make_pair(folder, "two")
    local function try(certificate, key)
      return filo.http.serve("127.0.0.1:0", whoever, { tls = { certificate = certificate, key = key } })
    end
    refused("invalid", try(one.certificate, two.key))
    refused("invalid", try(one.key, one.key))
    refused("invalid", try(one.certificate, one.certificate))
    assert.matches(folder:file "no.pem", refused("invalid", try(folder:file "no.pem", one.key)), 1, true)
    raises("tls_spec.lua:%d+: serve: .*'tls'", function() return try(one.certificate), nil end)
  end)
end)

describe("a server without one", function()
  it("answers who speaks TLS that this is no request", function()
    local server <close> = http.serve(whoever)
    assert.is_nil((shown(server)))
    assert.equal("hello", http.ask(server, "GET", "/").body)
  end)
end)
