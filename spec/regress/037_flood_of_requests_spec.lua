-- A peer could start any number of tasks at a node: one for each request that it sent.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("requests of one peer", function()
  it("are answered up to a limit; more are told that the node is busy", function()
    local _ <close> = limits { requests = 10 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local running, most, go_on = 0, 0, false
    a:handle("wait", function(body)
      running = running + 1
      most = math.max(most, running)
      while not go_on do filo.sleep(0.005) end
      running = running - 1
      return body
    end)
    local stranger <close> = strangers.meet(a)
    local sent = {}
    for i = 1, 100 do sent[i] = stranger:request("wait", i) end
    for i = 100, 11, -1 do assert.equal("busy", select(2, stranger:reply(sent[i])).code) end
    assert.equal(10, most)
    go_on = true
    for i = 1, 10 do assert.equal(i, (stranger:reply(sent[i]))) end
    assert.equal(7, (stranger:ask("wait", 7)))
  end)
end)
