-- Whoever could reach a node's port could open as many connections as he liked, and so take all memory and descriptors, without ever
-- being let in.

local filo = require "filo"
local new_door = require "filo.peers.door"
local runtime = require "filo.core.runtime"
local nodes = require "spec.support.nodes"

local STRANGERS = 100
local ROOM = 64

describe("connections that are not let in", function()
  it("are few: one makes room for the next, and a node gets in all the same", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local strangers = {}
    local _ <close> = setmetatable({}, { __close = function()
      for _, each in ipairs(strangers) do each:close() end
    end })
    for i = 1, STRANGERS do
      strangers[i] = assert(filo.dial(a.address))
      assert.equal(72, #strangers[i]:read(72, 5)) -- its part of the handshake
    end
    local function is_closed(stranger)
      local nothing, err = stranger:read(1, 0.001)
      return nothing ~= nil or err.code ~= "timeout"
    end
    nodes.wait(function()
      local closed = 0
      for _, each in ipairs(strangers) do closed = closed + (is_closed(each) and 1 or 0) end
      return closed == STRANGERS - ROOM
    end, "end of those for whom there is no room")
    assert.is_false(is_closed(strangers[STRANGERS]))
    local b = net:start("b", { tls = false })
    assert(b:connect(a.address))
  end)

  -- The oldest made room for the next, also when that came from another place, and was nearly through.
  it("leave where most have come from, and not whoever comes from elsewhere, or speaks the protocol", function()
    local host = setmetatable({ limits = { strangers = 10, accepted = 100 }, random = function() return "abcd" end }, { __index = runtime })
    local door, closed = new_door(host), {}
    local function come(address)
      local connection = { remote = function() return address end, close = function() closed[#closed + 1] = address end }
      door:enter(connection)
      return connection
    end
    come "10.0.0.1:5"
    come "[2001:db8:1:2::5]:5"
    door:ready(come "10.0.0.9:1")
    for port = 2, 100 do come("10.0.0.9:" .. port) end
    for port = 1, 7 do come(("[2001:db8:7:7::%d]:%d"):format(port, port)) end
    assert.equal(99, #closed)
    for i, address in ipairs(closed) do
      assert.matches(i <= 97 and "^10%.0%.0%.9:" or "^%[2001:db8:7:7:", address)
      assert.not_equal("10.0.0.9:1", address)
    end
  end)
end)
