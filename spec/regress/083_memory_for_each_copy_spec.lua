-- Each large copy that came left a task behind in a list of the peer's, for as long as the connection lasted.

local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"

describe("a copy that has come", function()
  it("leaves nothing behind", function()
    local _ <close> = limits { offer = 0.01 }
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 5 do assert(a:store("key " .. i, nodes.bytes(100000, i))) end
    local peer = b:peers()[1]
    nodes.wait(function() return #peer.watchers == 0 end, "end of the watching")
  end)
end)
