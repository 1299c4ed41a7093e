-- A get that was asking peers never returned when its node was closed.

local filo = require "filo"
local nodes = require "spec.support.nodes"

describe("a node that is closed while it asks its peers", function()
  for _, call in ipairs { "get", "stat", "has" } do
    it("ends " .. call, function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2)
      local asked = filo.channel()
      b.peer_list:handle("find", function()
        asked:send(true)
        filo.sleep(60)
      end)
      local task = filo.spawn(function() return a[call](a, "key") end):observe()
      asked:receive(10)
      net:stop "a"
      assert.is_true(task:status() == "ended" or pcall(task.join, task, 5))
      assert.equal("ended", task:status())
    end)
  end
end)
