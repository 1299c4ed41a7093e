---Peers that stop in the middle of something.

local filo = require "filo"
local forge = require "spec.support.forge"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

-- A peer that stopped reading, or sending, in the middle of a stream stopped every other peer.

local LARGE = 20 << 20
local DEADLINE = 20 -- less than a stalled stream is given

---The node, another one connected to it that works, and a stranger.
local function start(net)
  local options = { tls = false, policy = { name = "a test", quorum = 1 } }
  local a = net:start("a", options)
  local b = net:start("b", { tls = false, bootstrap = { a.address }, policy = { name = "a test", quorum = 2 } })
  nodes.peers(b, 1)
  return a, b, strangers.meet(a, { tls = false })
end

---b stores at a and gets back from it.
local function check_others(a, b)
  assert(filo.timeout(DEADLINE, function()
    for i, size in ipairs { 10, LARGE } do
      local key, content = "key " .. i, nodes.bytes(size, i)
      assert(b:store(key, content))
      assert(b:evict(key))
      assert.is_true(content == nodes.content(b, key))
    end
    return true
  end))
  assert.equal(2, #a:peers())
end

describe("while a peer", function()
  it("takes no bytes of what it reads, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    local forged = forge(stranger.keys, { content = nodes.bytes(3 << 20) })
    assert.same({}, (stranger:deliver(forged, stranger:offer(forged))))
    for _ = 1, 8 do -- and gives no credit
      assert(stranger:ask("read", {
        namespace = forged.namespace, key_hash = forged.key_hash, version = forged.version, hashes = true, first = 0, count = 3,
      }).stream)
    end
    check_others(a, b)
  end)

  it("stops in the middle of what it sends, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    local forged = forge(stranger.keys, { content = nodes.bytes(3 << 20) })
    assert(stranger:offer(forged))
    assert(stranger.line:write_stream(1, forged.hashes .. forged.content:sub(1, 1500000)))
    check_others(a, b)
  end)

  it("stops in the middle of a frame, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    stranger.line:write(wire.message(("x"):rep(1000)):sub(1, 100))
    check_others(a, b)
  end)

  it("asks and asks and reads no answer, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    local forged = forge(stranger.keys, { content = nodes.bytes(60000) })
    assert(stranger:ask("store", { record = forged.record, body = forged.hashes .. forged.content }))
    for _ = 1, 300 do stranger:request("find", { namespace = forged.namespace, key_hash = forged.key_hash }) end
    check_others(a, b)
  end)
end)

-- A peer that sent but never read hung every call that sent it something: requests waited without end for room, whatever their deadline.

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
