local nodes = require "spec.support.nodes"
local new_bell = require "spec.support.bell"
local strangers = require "spec.support.stranger"

-- The log of a node said that a peer was gone before it said that it was connected.

describe("a peer that goes at once", function()
  it("is told of as come, and then as gone", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local told, bell = {}, new_bell()
    for _, name in ipairs { "peer_up", "peer_down" } do
      a:on(name, function()
        told[#told + 1] = name
        bell:ring()
      end)
    end
    local stranger <close> = strangers.meet(a)
    stranger:close()
    assert.is_truthy(bell:wait(10, function() return #told == 2 end))
    assert.same({ "peer_up", "peer_down" }, told)
  end)
end)
