-- Whoever could reach a node's port could open as many connections as he liked, and so take all memory and descriptors, without ever
-- being let in.

local filo = require "filo"
local new_door = require "filo.peers.door"
local new_random = require "filo.sim.random"
local runtime = require "filo.core.runtime"
local nodes = require "spec.support.nodes"

local STRANGERS = 100
local ROOM = 64
local TRIES = 10

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
    local b = net:start("b", { tls = false })
    local connected
    for _ = 1, TRIES do connected = connected or b:connect(a.address) end -- who goes is drawn among all from this place, and may be b
    assert.is_truthy(connected)
  end)

  ---A door, and what comes to it; what is by chance follows from the seed.
  local function new(strangers, seed)
    local random = new_random(seed or 1)
    local given = { limits = { strangers = strangers, accepted = 1000 }, random = function(count) return random:bytes(count) end }
    local door, closed = new_door(setmetatable(given, { __index = runtime })), {}
    local function come(address, scarce)
      local function close() closed[#closed + 1] = address end
      local connection = { remote = function() return address end, close = close, abort = close }
      door:enter(connection, scarce)
      return connection
    end
    return door, come, closed
  end

  -- The oldest made room for the next, also when that came from another place, and was nearly through.
  it("leave where most have come from, and not whoever comes from elsewhere, or speaks the protocol", function()
    local door, come, closed = new(10)
    come "10.0.0.1:5"
    come "[2001:db8:1:2::5]:5"
    door:ready(come "10.0.0.9:1")
    for port = 2, 100 do come("10.0.0.9:" .. port) end
    for port = 1, 7 do come(("[2001:db8:7:7::%d]:%d"):format(port, port)) end
    assert.equal(99, #closed)
    for _, address in ipairs(closed) do assert.is_truthy(address:find "^10%.0%.0%.9:" or address:find "^%[2001:db8:7:7:") end
    for i = 1, 93 do assert.matches("^10%.0%.0%.9:", closed[i]) end
    for _, address in ipairs(closed) do assert.not_equal("10.0.0.9:1", address) end
  end)

  -- It was always the oldest, who is nearly through; and never who had come last.
  it("leave by chance, and the last to come as well, when as many have come from each place", function()
    local left = {}
    for seed = 1, 300 do
      local _, come, closed = new(2, seed)
      for i = 1, 3 do come(("10.0.0.%d:1"):format(i)) end
      assert.equal(1, #closed)
      left[closed[1]] = (left[closed[1]] or 0) + 1
    end
    for i = 1, 3 do assert.is_true(left[("10.0.0.%d:1"):format(i)] > 60) end
  end)

  it("leave though there is room, when one takes one of the last descriptors, and nobody is accepted until that one has gone", function()
    local door, come, closed = new(10)
    local first = come "10.0.0.1:1"
    come "10.0.0.2:1"
    door:leave(come("10.0.0.1:2", true)) -- lets it in, or it has gone, unless it is the first that has to
    assert.is_true(closed[1] == "10.0.0.1:1" or closed[1] == "10.0.0.1:2")
    door:leave(first)
    local accepts = filo.timeout(5, function()
      door:wait()
      return true
    end)
    assert.is_true(accepts)
    come("10.0.0.1:3", true)
    assert.is_nil((filo.timeout(0.01, door.wait, door)))
  end)

  it("stay when they speak the protocol, but not so that nobody else gets in", function()
    for seed = 1, 20 do
      local door, come, closed = new(3, seed)
      door:ready(come "10.0.0.1:1")
      door:ready(come "10.0.0.2:1")
      come "10.0.0.3:1"
      come "10.0.0.4:1"
      assert.is_true(closed[1] == "10.0.0.3:1" or closed[1] == "10.0.0.4:1")
    end
    local left = {}
    for seed = 1, 300 do
      local door, come, closed = new(2, seed)
      door:ready(come "10.0.0.1:1")
      door:ready(come "10.0.0.2:1")
      come "10.0.0.3:1"
      left[closed[1]] = (left[closed[1]] or 0) + 1
    end
    for i = 1, 3 do assert.is_true(left[("10.0.0.%d:1"):format(i)] > 60) end
  end)
end)
