local filo = require "filo"
local free_address = require "spec.support.free_address"
local links = require "spec.support.links"
local net = require "filo.core.net"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"
local wire = require "spec.support.wire"

local function port_of(address) return tonumber(address:match ":(%d+)$") end

---Both ends talk.
local function check_link(link)
  assert(link.a:send { from = "a" })
  assert.same({ from = "a" }, link.b:receive(10))
  assert(link.b:send { from = "b" })
  assert.same({ from = "b" }, link.a:receive(10))
end

for name, tls in pairs { ["with TLS"] = true, ["without TLS"] = false } do
  describe("a connection " .. name, function()
    it("goes over IPv4, IPv6 and names", function()
      for _, at in ipairs { "127.0.0.1:0", "[::1]:0", "localhost:0" } do
        local link <close> = links.pair { tls = tls, address = at }
        check_link(link)
      end
    end)

    it("reaches a listener at every address by each of them", function()
      local server <close> = links.listen({ tls = tls }, ":0")
      for _, host in ipairs { "127.0.0.1", "[::1]", "localhost", "LOCALHOST" } do
        local dialling = runtime.spawn(net.dial, ("%s:%d"):format(host, port_of(server.address)), links.options(links.a, { tls = tls }))
        local b <close> = server:accept()
        local a <close> = dialling:join()
        check_link { a = a, b = assert(b:ready()) }
      end
    end)

    it("knows its ends", function()
      local link <close> = links.pair { tls = tls }
      local id, proven = link.a:peer()
      assert.equal(links.b:raw_id(), id)
      assert.equal(tls, proven)
      assert.equal(links.a:raw_id(), (link.b:peer()))
      assert.is_true(link.a:is_dialler())
      assert.is_false(link.b:is_dialler())
      assert.matches("^127%.0%.0%.1:%d+$", link.a:remote())
      assert.matches("^127%.0%.0%.1:%d+$", link.b:remote())
      assert.not_equal(link.a:remote(), link.b:remote())
    end)

    it("has a binding that is the same at both ends and of no other connection", function()
      local one <close>, seen = links.pair { tls = tls }, {}
      seen[one.a:binding()] = true
      for _ = 1, 3 do
        local link <close> = links.pair { tls = tls }
        assert.equal(32, #link.a:binding())
        assert.equal(link.a:binding(), link.b:binding())
        assert.is_nil(seen[link.a:binding()])
        seen[link.a:binding()] = true
      end
    end)

    it("is given up when the handshake takes too long", function()
      local listener <close> = filo.listen "127.0.0.1:0"
      local a, err = net.dial(listener:address(), links.options(links.a, { tls = tls, handshake_timeout = 0.05 }))
      assert.is_nil(a)
      assert.equal("timeout", err.code)
      assert.matches("127.0.0.1:%d+: the handshake took longer than 0.05 s", err.message)

      local server <close> = links.listen { tls = tls, handshake_timeout = 0.05 }
      local silent <close> = filo.dial(server.address)
      local b <close> = server:accept()
      local ready, problem = b:ready()
      assert.is_nil(ready)
      assert.equal("timeout", problem.code)
      assert(silent:read("a", 10)) -- and it is closed
    end)

    it("ends when nothing is heard for too long", function()
      local server <close> = links.listen { tls = tls }
      local dialling = filo.spawn(net.dial, server.address, links.options(links.a, { tls = tls, silence_timeout = 0.05 }))
      local _ <close> = server:accept()
      local a <close> = assert(dialling:join())
      local message, err = a:receive(10)
      assert.is_nil(message)
      assert.equal("timeout", err.code)
      assert.matches("nothing was heard for", err.message)
    end)

    it("lasts while something is heard", function()
      local link <close> = links.pair { tls = tls, silence_timeout = 1 }
      for n = 1, 24 do
        filo.sleep(0.05)
        assert(link.a:send { n = n })
        assert(link.b:send { n = n })
        assert.equal(n, assert(link.a:receive(10)).n)
        assert.equal(n, assert(link.b:receive(10)).n)
      end
    end)
  end)
end

describe("listening", function()
  it("tells the real address, whatever was asked for", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    assert.matches("^127%.0%.0%.1:%d+$", listener:address())
    assert.is_true(port_of(listener:address()) > 0)
    local six <close> = filo.listen "[::1]:0"
    assert.matches("^%[::1%]:%d+$", six:address())
  end)

  it("says that a port is in use", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    local other, err = filo.listen(listener:address())
    assert.is_nil(other)
    assert.equal("exists", err.code)
    assert.matches(("port %d is in use"):format(port_of(listener:address())), err.message)
    assert.matches("choose another, or 0", err.message)
  end)

  it("says what is no address of this machine, or no address", function()
    for address, sentence in pairs {
      ["192.0.2.1:0"] = "no address of this machine", ["127.0.0.1"] = "has no port", ["::1:0"] = "write IPv6 in brackets",
      ["127.0.0.1:65536"] = "is no port", ["a b:1"] = "is no host name", ["[x]:1"] = "is no IPv6 address", ["127.0.0.1\0:1"] = "NUL",
    } do
      local listener, err = filo.listen(address)
      assert.is_nil(listener)
      assert.equal("invalid", err.code)
      assert.matches(sentence, err.message)
    end
  end)

  it("can start again at once at an address that had connections", function()
    local listener = assert(filo.listen "127.0.0.1:0")
    local address = listener:address()
    local far <close> = filo.dial(address)
    local near = assert(listener:accept())
    near:close()
    listener:close()
    local again <close> = filo.listen(address)
    assert.equal(address, again:address())
    assert.equal("", far:read("a", 10))
  end)

  it("ends by closing: who waits to accept is told, and so is who came too late", function()
    local listener = assert(filo.listen "127.0.0.1:0")
    local waiting = runtime.spawn(listener.accept, listener)
    runtime.sleep(0)
    assert.error_matches(function() listener:accept() end, "another task waits")
    listener:close()
    listener:close()
    local connection, err = waiting:join(10)
    assert.is_nil(connection)
    assert.equal("closed", err.code)
    assert.is_nil((listener:accept()))
    assert.error_matches(function() listener:address() end, "closed")
  end)
end)

describe("dialling", function()
  it("says that nobody listens", function()
    local address = free_address()
    for _, dial in ipairs { filo.dial, function(to) return net.dial(to, links.options(links.a)) end } do
      local connection, err = dial(address)
      assert.is_nil(connection)
      assert.equal("unreachable", err.code)
      assert.matches(("cannot connect to %s: Connection refused"):format(address:gsub("%.", "%%.")), err.message)
    end
  end)

  it("says what can never work", function()
    for _, address in ipairs { ":3000", "127.0.0.1:0" } do
      for _, dial in ipairs { filo.dial, function(to) return net.dial(to, links.options(links.a)) end } do
        local connection, err = dial(address)
        assert.is_nil(connection)
        assert.equal("invalid", err.code)
        assert.matches("needs a host and a port", err.message)
      end
    end
  end)

  it("gives up after its time, and says who did not answer", function()
    -- A queue of connections that is full answers nobody.
    local full <close> = process.start { program = "perl", "-MSocket", "-e", [[
      $| = 1;
      socket(my $s, PF_INET, SOCK_STREAM, 0) or die; bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($s, 0) or die;
      printf "127.0.0.1:%d\n", (sockaddr_in(getsockname $s))[0];
      sleep 60;
    ]] }
    local address = full:expect "^(127%.0%.0%.1:%d+)\n"
    local first <close> = filo.dial(address)
    local function framed(to, seconds) return net.dial(to, links.options(links.a, { dial_timeout = seconds })) end
    for _, dial in ipairs { filo.dial, framed } do
      local connection, err = dial(address, 0.1)
      assert.is_nil(connection)
      assert.equal("timeout", err.code)
      assert.matches(address:gsub("%.", "%%.") .. " does not answer", err.message)
    end
    assert.equal(address, first:remote())
  end)

  it("misused is an error at the caller's line", function()
    assert.error_matches(function() net.dial("127.0.0.1:1") end, "table expected")
    assert.error_matches(function() net.dial("127.0.0.1:1", {}) end, "id: 32 bytes expected")
    assert.error_matches(function() filo.dial() end, "string expected")
  end)
end)

describe("a peer that does not speak TLS", function()
  local function both_setting(err) assert.matches("both sides need the same tls setting", err.message) end

  it("is told from one that does, by the side that listens with it", function()
    local server <close> = links.listen { tls = true }
    local dialling = runtime.spawn(net.dial, server.address, links.options(links.a, { tls = false }))
    local b <close> = server:accept()
    local ready, err = b:ready()
    assert.is_nil(ready)
    assert.equal("protocol", err.code)
    assert.matches("the peer does not speak TLS", err.message)
    local a, problem = dialling:join(10)
    assert.is_nil(a)
    both_setting(problem)
  end)

  it("is told by the side that listens without it", function()
    local server <close> = links.listen { tls = false }
    local dialling = runtime.spawn(net.dial, server.address, links.options(links.a, { tls = true }))
    local b <close> = server:accept()
    local ready, err = b:ready()
    assert.is_nil(ready)
    assert.equal("protocol", err.code)
    both_setting(err)
    local a, problem = dialling:join(10)
    assert.is_nil(a)
    assert.equal("protocol", problem.code)
    assert.matches("the peer does not speak TLS", problem.message)
  end)

  it("may speak something else altogether, or nothing", function()
    for _, bytes in ipairs { "GET / HTTP/1.1\r\n\r\n", "filo/2\r\n" .. ("x"):rep(64), "f", "filo/1\r" } do
      local server <close> = links.listen { tls = false }
      local far <close> = filo.dial(server.address)
      local b <close> = server:accept()
      assert(far:write(bytes))
      far:close()
      local ready, err = b:ready()
      assert.is_nil(ready)
      assert.equal(#bytes < 8 and "unreachable" or "protocol", err.code)
    end
  end)

  it("may cut the handshake anywhere", function()
    for _, step in ipairs { 1, 7, 71 } do
      local server <close> = links.listen { tls = false }
      local far <close> = filo.dial(server.address)
      local b <close> = server:accept()
      local hello = "filo/1\r\n" .. ("r"):rep(32) .. wire.me:raw_id()
      for at = 1, #hello, step do
        assert(far:write(hello:sub(at, at + step - 1)))
        assert(far:flush())
        filo.sleep(0)
      end
      assert(b:ready())
      assert.equal(wire.me:raw_id(), (b:peer()))
    end
  end)
end)

-- A process that had dialled stayed for seconds after its script had ended: the resolver's own events looked like connections with
-- last words to say.

local DIALS = [[
local filo = require "filo"
local listener <close> = assert(filo.listen "127.0.0.1:0")
assert(filo.dial(listener:address())):close()
]]

describe("a process that has dialled", function()
  it("ends with its script", function()
    local folder <close> = temp.folder()
    local script = folder:write("dials.lua", DIALS)
    local sooner = false
    for _ = 1, 3 do -- a busy machine may hold up one
      local sleeper <close> = process.start { "-e", "require('filo').sleep(2)" }
      assert.equal(0, process.run({ script }).status)
      sooner = sooner or not sleeper:has_ended()
    end
    assert.is_true(sooner)
  end)
end)

-- A dial that was given up kept its socket until the collector came by. (A descriptor left open fails the test.)
describe("a dial that is given up", function()
  it("closes its socket at once", function()
    collectgarbage "stop"
    local _ <close> = setmetatable({}, { __close = function() collectgarbage "restart" end })
    local listener <close> = filo.listen "127.0.0.1:0"
    local connection, err = filo.timeout(0.01, net.dial, listener:address(), links.options(links.a))
    assert.is_nil(connection)
    assert.equal("timeout", err.code)
    local silent <close> = assert(listener:accept())
    assert(silent:read("a", 5)) -- what it said, up to its end
  end)
end)

-- A dial with math.huge seconds was over before it began; one with 0 seconds failed without a word; misuse was blamed on a line of Filo.

local function framed(to, seconds) return net.dial(to, links.options(links.a, { dial_timeout = seconds })) end

describe("seconds to dial", function()
  it("may be without end", function()
    -- A queue of connections that is full answers nobody.
    local full <close> = process.start { program = "perl", "-MSocket", "-e", [[
      $| = 1;
      socket(my $s, PF_INET, SOCK_STREAM, 0) or die; bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($s, 0) or die;
      printf "127.0.0.1:%d\n", (sockaddr_in(getsockname $s))[0];
      sleep 60;
    ]] }
    local address = full:expect "^(127%.0%.0%.1:%d+)\n"
    local first <close> = filo.dial(address)
    for _, dial in ipairs { filo.dial, framed } do
      for _, seconds in ipairs { math.huge, 1e300, 1e18 } do
        local connection, err = filo.timeout(0.1, dial, address, seconds)
        assert.is_nil(connection)
        assert.equal("not done after 0.1 s", tostring(err))
      end
    end
    assert.equal(address, first:remote())
  end)

  it("that are over are said to be", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    for _, dial in ipairs { filo.dial, framed } do
      for _, seconds in ipairs { 0, -1, -math.huge } do
        local connection, err = dial(listener:address(), seconds)
        assert.is_nil(connection)
        assert.equal("timeout", err.code)
        assert.equal("there was no time to connect to " .. listener:address(), tostring(err))
      end
    end
  end)

  it("that are none are an error at the caller's line", function()
    raises("^spec/core/transport/dial_spec.lua:%d+: bad argument #2 to 'dial'", function() filo.dial("127.0.0.1:1", "soon") end)
    raises("^spec/core/transport/dial_spec.lua:%d+: bad argument #1 to 'listen'", function() filo.listen() end)
  end)
end)

describe("seconds of a connection's handshake and silence", function()
  it("may be without end", function()
    local link <close> = links.pair { handshake_timeout = math.huge, silence_timeout = math.huge }
    local message, err = link.a:receive(0.1)
    assert.is_nil(message)
    assert.equal("timeout", err.code)
    assert(link.b:send { "still here" })
    assert.same({ "still here" }, (link.a:receive(10)))
  end)
end)
