-- A request that waited for room in the queue raised an error, where others returned nil and one, when the connection closed.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("a request that waits until the peer reads", function()
  it("fails as others do when the connection closes", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    local requests = {}
    for i = 1, 40 do
      requests[i] = filo.spawn(function() return a:request(a:peers()[1], "topic", ("x"):rep(900000)) end):observe()
    end
    filo.sleep(0.1)
    peer:close()
    for _, request in ipairs(requests) do
      local answer, err = request:join(10)
      assert.is_nil(answer)
      assert.is_truthy(err.code == "closed" or err.code == "unreachable", tostring(err))
    end
  end)
end)
