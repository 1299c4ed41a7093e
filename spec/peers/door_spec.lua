-- Whoever could reach a node's port could open as many connections as he liked, and so take all memory and descriptors, without ever
-- being let in.

local filo = require "filo"
local nodes = require "spec.support.nodes"

local STRANGERS = 100
local ROOM = 64

describe("connections that are not let in", function()
  it("are few: the oldest makes room for the next, and a node gets in all the same", function()
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
    for i = 1, STRANGERS - ROOM do assert.equal("", strangers[i]:read("a", 5)) end
    local nothing, err = strangers[STRANGERS]:read(1, 0.05)
    assert.is_nil(nothing)
    assert.equal("timeout", err.code)
    local b = net:start("b", { tls = false })
    assert(b:connect(a.address))
  end)
end)
