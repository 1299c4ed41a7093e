-- A dial with math.huge seconds was over before it began; one with 0 seconds failed without a word; misuse was blamed on a line of Filo.

local filo = require "filo"
local links = require "spec.support.links"
local net = require "filo.core.net"
local process = require "spec.support.process"
local raises = require "spec.support.raises"

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
      for _, seconds in ipairs { 0, -1, 0 / 0, -math.huge } do
        local connection, err = dial(listener:address(), seconds)
        assert.is_nil(connection)
        assert.equal("timeout", err.code)
        assert.equal("there was no time to connect to " .. listener:address(), tostring(err))
      end
    end
  end)

  it("that are none are an error at the caller's line", function()
    raises("^spec/regress/114_[%w_]+%.lua:%d+: bad argument #2 to 'dial'", function() filo.dial("127.0.0.1:1", "soon") end)
    raises("^spec/regress/114_[%w_]+%.lua:%d+: bad argument #1 to 'listen'", function() filo.listen() end)
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
