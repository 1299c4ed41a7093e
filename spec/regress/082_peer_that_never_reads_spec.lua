-- A peer that sent but never read hung every call that sent it something: requests waited without end for room, whatever their deadline.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

local MANY = 30
local BODY = ("x"):rep(1000000)

describe("a peer that never reads", function()
  ---Many requests to it at once: their errors; false for those that were answered.
  local function ask_much(a, seconds)
    local peer, tasks, problems = a:peers()[1], {}, {}
    for i = 1, MANY do
      tasks[i] = filo.spawn(function() return select(2, a:request(peer, "topic", BODY, seconds)) or false end)
    end
    for i, each in ipairs(tasks) do
      local problem, late = each:join(20)
      assert.is_nil(late)
      problems[i] = problem
    end
    return problems
  end

  it("makes no request wait beyond its deadline", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local _ <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    local not_sent = 0
    for _, err in ipairs(ask_much(a, 0.2)) do
      assert.equal("timeout", err.code)
      if tostring(err):find "takes nothing of what is sent to it" then not_sent = not_sent + 1 end
    end
    assert.is_true(not_sent > 0)
    assert.equal(1, #a:peers())
  end)

  it("is dropped after a while, and whoever waits for it learns that", function()
    local _ <close> = limits { send_stall = 0.3 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    for _, err in ipairs(ask_much(a, 60)) do
      assert.equal("timeout", err.code)
      assert.matches("it takes next to nothing of what is sent to it", tostring(err))
      assert.equal(peer.id, err.peer)
    end
    nodes.peers(a, 0)
    assert.equal("not_found", select(2, a:get "key").code)
  end)

  it("is dropped, too, when it only asks", function()
    local _ <close> = limits { send_stall = 0.3, ping = 60 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    a:handle("topic", function() return BODY end)
    local peer <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    for _ = 1, MANY do peer:request "topic" end
    nodes.peers(a, 0)
  end)

  it("may be slow, as long as it reads", function()
    local _ <close> = limits { send_stall = 1 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    local reader = filo.spawn(function()
      local read = 0
      peer:on("topic", function()
        read = read + 1
        return { body = "answer" }
      end)
      while read < MANY do
        peer:attend()
        filo.sleep(0.05)
      end
    end)
    for _, problem in ipairs(ask_much(a, 60)) do assert.is_false(problem) end
    reader:join(20)
    assert.equal(1, #a:peers())
  end)
end)
