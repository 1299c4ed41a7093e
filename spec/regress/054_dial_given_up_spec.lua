-- A dial that was given up kept its socket until the collector came by. (A descriptor left open fails the test.)

local filo = require "filo"
local links = require "spec.support.links"
local net = require "filo.core.net"

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
