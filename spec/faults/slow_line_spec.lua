---A line that takes long to carry what was written to it: a peer behind it was taken for one that shows no sign of life, and all that it
---was asked from then on failed at once.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

describe("a peer behind a slow line", function()
  it("lives as long as it takes what is on its way to it", function()
    local _ <close> = limits { pulse = 1 }
    local net <close> = nodes.net()
    local b = net:start "b"
    local host, port = b.address:match "^(.-):(%d+)$"
    local line <close> = process.start { program = "perl", "spec/support/narrow.pl", host, port, "60000" }
    local a = net:start("a", { bootstrap = { (line:expect "^(127%.0%.0%.1:%d+)\n") } })
    nodes.peers(a, 1)
    local large = filo.spawn(function() return #assert(a:store("large", nodes.bytes(300000))).copies end)
    filo.sleep(0)
    assert.equal(2, #assert(a:store("small", "content")).copies)
    assert.equal(2, large:join())
  end)
end)
