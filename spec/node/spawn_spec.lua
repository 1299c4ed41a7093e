local filo = require "filo"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local simulated = require "spec.support.simulated"

-- The copies that a hook made in peer_up were cut off after 5 seconds, and so was what it started: 25 of 60 were made.

describe("node:spawn", function()
  it("starts a task that outlives the hook which starts it", simulated(function(net, host)
    local a = net:start "a"
    local told = host.channel()
    a:on("stored", function()
      a:spawn(function()
        host.sleep(2 * host.limits.hook)
        told:send "done"
      end)
    end)
    assert(a:store("key", "content"))
    assert.equal("done", told:receive(3 * host.limits.hook))
  end))

  it("ends its task with the node", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local task = a:spawn(filo.sleep, 3600):observe()
    a:close()
    for _, each in ipairs { task, a:spawn(filo.sleep, 3600):observe() } do
      local ok, err = pcall(each.join, each)
      assert.is_false(ok)
      assert.equal("cancelled", err.code)
    end
  end)

  it("takes a function only", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    raises("^spec/node/spawn_spec.lua:%d+: spawn: a function expected", function() a:spawn "fn" end)
  end)
end)
