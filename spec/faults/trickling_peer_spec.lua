-- A peer that moved a byte now and then, or whose turns such transfers held, kept a store, a get, an evict or a landing from ever ending.

local bounds = require "filo.host.limits"
local filo = require "filo"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local BIG = nodes.bytes((3 << 20) + 5)

---The next request of a topic to a peer; others are left unanswered.
local function next_request(peer, topic)
  local message
  repeat message = assert(peer:hear()) until message.topic == topic
  return message
end

---Calls fn again and again in the background, until the end of the scope.
local function keep(fn)
  local task = filo.spawn(function()
    while true do
      fn()
      filo.sleep(0.05)
    end
  end):observe()
  return setmetatable({}, { __close = function() task:cancel() end })
end

---What a task gives; an error when it has not ended in time.
local function result(task)
  local value, err = task:join(15)
  assert.equal("ended", task:status())
  return value, err
end

describe("a peer that moves a few bytes now and then", function()
  it("is given up by a store", function()
    local _ <close> = limits { send_stall = 0.3 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    local storing = filo.spawn(a.store, a, "key", BIG):observe()
    peer:say { re = next_request(peer, "offer").id, body = { want = 0, hashes = true } }
    local stream = next_request(peer, "fill").body.stream
    local _ <close> = keep(function()
      peer.line:write(wire.credit(stream, 10))
    end)
    local receipt, err = result(storing)
    assert.is_nil(receipt)
    assert.matches("it takes no bytes, or next to none", tostring(err))
  end)

  it("is given up by a get, also when nobody else has it; the key can be evicted then", function()
    local _ <close> = limits { stall = 0.2, last_stall = 0.4 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    assert(a:store("key", BIG))
    local _, record = inside.of(a).disk:sealed(inside.of(a).namespace, a:path_of(a:key_hash "key"), 10)
    nodes.drop(a, "key")
    local peer <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    local getting = filo.spawn(nodes.content, a, "key"):observe()
    peer:say { re = next_request(peer, "find").id, body = { record = record } }
    peer:say { re = next_request(peer, "read").id, body = { stream = 1 } }
    assert.is_true(peer.line:wait_credit(1, 1))
    local _ <close> = keep(function()
      peer.line:write(wire.stream(1, "x"))
    end)
    local content, err = result(getting)
    assert.is_nil(content)
    assert.equal("timeout", err.code)
    assert.matches("sends nothing, or next to nothing", tostring(err))
    assert.equal("not_found", select(2, result(filo.spawn(a.evict, a, "key"):observe())).code)
  end)

  it("does not keep the slot of a copy on its way in", function()
    local _ <close> = limits { send_stall = 0.3, landings = 1, offer = 60 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    local forged = forge(peer.keys, { content = BIG })
    local filling = assert(peer:offer(forged))
    assert.is_true(peer.line:wait_credit(1, 1))
    local _ <close> = keep(function()
      peer.line:write(wire.stream(1, "x"))
    end)
    local body, err = result(filo.spawn(peer.reply, peer, filling):observe())
    assert.is_nil(body)
    assert.equal("timeout", err.code)
    local b = net:start("b", { tls = false })
    assert(b:connect(a.address))
    assert.same({ b.id, a.id }, b:store("key", BIG).copies)
  end)
end)

describe("a peer whose turns are all taken", function()
  local function take_turns(peer, what)
    for _ = 1, bounds[what] do inside.of(peer):turn(what) end
  end

  it("is passed over by a get when another is good", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", BIG))
    assert(a:evict "key")
    local find = inside.of(c).peer_list.requests.handlers.find
    inside.of(c).peer_list:handle("find", function(...)
      filo.sleep(0.05) -- b answers first
      return find(...)
    end)
    take_turns(inside.of(a).peer_list:get(b.id).face, "reads_of_peer")
    assert.equal(BIG, (result(filo.spawn(nodes.content, a, "key"):observe())))
  end)

  it("is given up by a get when nobody else has it", function()
    local _ <close> = limits { turn = 0.2 }
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", BIG))
    assert(a:evict "key")
    take_turns(a:peers()[1], "reads_of_peer")
    local content, err = result(filo.spawn(nodes.content, a, "key"):observe())
    assert.is_nil(content)
    assert.matches("8 of this node's are under way there already, and none has ended in time", tostring(err))
  end)

  it("is given up by a store for the next one", function()
    local _ <close> = limits { turn = 0.2 }
    local net <close> = nodes.net()
    local a = net:cluster(3, { policy = { name = "one", place = function(_, peers) return peers, 1 end } })
    local peers = a:peers()
    take_turns(peers[1], "landings_of_peer")
    local receipt = assert(result(filo.spawn(a.store, a, "key", BIG):observe()))
    assert.same({ a.id, peers[2].id }, receipt.copies)
    assert.matches("none has ended in time", receipt.refused[1].reason)
  end)

  it("is waited for as long as the line moves", function()
    local _ <close> = limits { turn = 1, questions = 1 }
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local peer = a:peers()[1]
    local tasks = {}
    for i = 1, 8 do
      tasks[i] = filo.spawn(function()
        local _ <close> = assert(inside.of(peer):turn "questions")
        filo.sleep(0.25)
        return true
      end)
    end
    for _, each in ipairs(tasks) do assert.is_true((result(each))) end
  end)
end)
