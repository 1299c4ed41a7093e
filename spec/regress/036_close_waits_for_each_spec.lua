-- Closing a node waited three seconds for each task that would not be cancelled, one after the other.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"

describe("node:close", function()
  it("waits for all tasks together, not for each in turn", function()
    local _ <close> = limits { close_tasks = 0.5 }
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local running, stop = 0, false
    b:handle("stubborn", function()
      running = running + 1
      while not stop do pcall(filo.sleep, 0.01) end
      running = running - 1
    end)
    for _ = 1, 40 do filo.spawn(function() a:request(b.id, "stubborn") end) end
    nodes.wait(function() return running == 40 end, "handlers")
    local closing = filo.spawn(function() b:close() end)
    closing:join(10)
    assert.equal("ended", closing:status()) -- in turn it would take 20 s
    assert.equal(40, running)
    stop = true
    nodes.wait(function() return running == 0 end, "end")
  end)

  it("may be called by a task of the node", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local closed
    b:handle("end", function()
      b:close()
      closed = true
    end)
    local answer, err = a:request(b.id, "end")
    assert.is_nil(answer)
    assert.equal("closed", err.code)
    nodes.wait(function() return closed end, "end of the handler")
  end)
end)
