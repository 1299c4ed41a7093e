local filo = require "filo"
local free_address = require "spec.support.free_address"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

describe("a peer", function()
  it("is described", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, {}, { b = { about = { zone = "attic", rank = 3 } } })
    local peer = a:peers()[1]
    assert.same({ b.id, b.address, b.address }, { peer.id, peer.address, peer.listen })
    assert.same({ zone = "attic", rank = 3 }, peer.about)
    assert.is_true(peer.free > 0)
    nodes.wait(function() return a:peers()[1].rtt end, "ping")
    assert.is_true(peer.rtt > 0 and peer.rtt < 20)
    assert.matches("^peer " .. b.id:sub(1, 16) .. " at 127.0.0.1:%d+$", tostring(peer))
    assert.same({ a.id, a.address }, { b:peers()[1].id, b:peers()[1].listen })
  end)

  it("tells of its free space when that has changed, and else says nothing", simulated(function(net, host)
    local disk = net:machine("a").disk
    local a, b = net:cluster(2)
    local heard, answer = {}, inside.of(b).peer_list.requests.handlers.ping
    inside.of(b).peer_list:handle("ping", function(body, ...)
      heard[#heard + 1] = body.free
      return answer(body, ...)
    end)
    ---Says how much room there is by now, and waits until the node has looked at it.
    local function becomes(bytes)
      disk.used = disk.capacity - bytes
      host.sleep(2 * host.limits.ping)
    end
    becomes(64000)
    assert.same({ 64000 }, heard)
    becomes(64900)
    becomes(63100)
    becomes(65001)
    assert.same({ 64000, 65001 }, heard)
    net:machine("b").disk.used = net:machine("b").disk.capacity - 7
    becomes(30000)
    assert.same({ 64000, 65001, 30000 }, heard)
    assert.equal(7, a:peers()[1].free)
  end))

  it("that dies leaves the map, and later calls work", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(3)
    local down = nodes.events(a, "peer_down")
    local peer = inside.of(a).peer_list:get(b.id)
    net:stop "b"
    nodes.peers(a, 1)
    assert.equal(b.id, down().id)
    assert.equal(2, #nodes.stored(a:store("key", "content")).copies)
    assert(a:evict "key")
    assert.equal("content", nodes.content(a, "key"))
    local answer, err = a:request(b.id, "topic")
    assert.is_nil(answer)
    assert.equal("unreachable", err.code)
    answer, err = peer:request("topic")
    assert.is_nil(answer)
    assert.equal(b.id, err.peer)
    assert.is_true(err.retryable)
  end)

  it("is told of as it comes and goes", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local up, down = nodes.events(a, "peer_up"), nodes.events(a, "peer_down")
    for _ = 1, 3 do
      local stranger = strangers.meet(a)
      assert.equal(stranger.id, up().id)
      stranger:close()
      assert.equal(stranger.id, down().id)
    end
  end)
end)

describe("node:connect", function()
  it("gives the peer, the same one when it is connected already", function()
    local net <close> = nodes.net()
    local a, b = net:start "a", net:start "b"
    local peer = assert(a:connect(b.address))
    assert.equal(b.id, peer.id)
    assert.equal(peer, assert(a:connect(b.address)))
    assert.equal(1, #b:peers())
    assert.equal("x", (b:handle("x", function() return "x" end) or a:request(peer, "x")))
  end)

  -- Each end kept another of the connections, and closed the one that the other end kept.
  it("gives the peer to all that dial it at once", simulated(function(net)
    local a, b = net:start "a", net:start "b"
    local down = 0
    a:on("peer_down", function() down = down + 1 end)
    for round = 0, 19 do
      local dials, got = {}, {}
      for i = 1, 6 do dials[i] = function() got[i] = a:connect(b.address) or "none" end end
      filo.all(dials)
      local peer = a:peers()[1]
      for i = 1, 6 do assert.equal(peer, got[i]) end
      assert.equal(round, down)
      net:restart "b"
      nodes.peers(a, 0)
      nodes.wait(function() return down > round end, "end of a peer")
    end
  end))

  it("says what is wrong", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local gone = free_address()
    for _, case in ipairs {
      { a.address, "exists", "it is this node itself" },
      { gone, "unreachable", gone },
      { "nonsense", "invalid", "nonsense" },
    } do
      local peer, err = a:connect(case[1])
      assert.is_nil(peer)
      assert.equal(case[2], err.code)
      assert.matches(case[3], tostring(err))
    end
  end)
end)

describe("letting in", function()
  local function try(net, given_a, given_b)
    local a, b = net:start("a", given_a), net:start("b", given_b)
    local peer, err = a:connect(b.address)
    return peer, err, a, b
  end

  it("refuses who does not know the cluster secret, at both ends", function()
    local net <close> = nodes.net()
    for _, secret in ipairs { "another secret", nodes.NONE } do
      local peer, err, a, b = try(net, { cluster = secret }, {})
      assert.is_nil(peer)
      assert.equal("denied", err.code)
      assert.matches("cluster secret", tostring(err))
      assert.same({ 0, 0 }, { #a:peers(), #b:peers() })
      net:expect "b info: node %x+ at [%d.:]+ is not let in: it is not listed"
      net:stop "a"
      net:stop "b"
    end
  end)

  it("lets in listed IDs, when both list each other", function()
    local net <close> = nodes.net()
    local a, b = net:start "a", net:start "b"
    net:restart("a", { cluster = nodes.NONE, peers = { b.id:upper() } })
    net:restart("b", { cluster = nodes.NONE })
    local peer, err = net.nodes.a:connect(net.nodes.b.address)
    assert.is_nil(peer)
    assert.equal("denied", err.code)
    net:restart("b", { cluster = nodes.NONE, peers = { a.id } })
    assert.equal(b.id, assert(net.nodes.a:connect(net.nodes.b.address)).id)
  end)

  it("asks the admit function first", function()
    local net <close> = nodes.net()
    local seen
    local answers = {
      { function() return true end, true },
      { function() return false, "not on Sundays" end, false, "not on Sundays" },
      { function() return nil end, false, "cluster secret" },
      { function() error "oops" end, false, "the admit function failed" },
    }
    for _, case in ipairs(answers) do
      local peer, err, a = try(net, { cluster = nodes.NONE, admit = function() return true end }, {
        admit = function(peer)
          seen = peer
          return case[1]()
        end,
      })
      assert.equal(case[2], peer ~= nil)
      if not peer then
        assert.equal("denied", err.code)
        assert.is_nil(tostring(err):find("oops", 1, true))
        net:expect("b info: .*is not let in: .*" .. case[3])
      end
      assert.same({ id = a.id, address = seen.address }, seen)
      assert.matches("^127.0.0.1:%d+$", seen.address)
      net:stop "a"
      net:stop "b"
    end
    assert.is_truthy(net:logged "b error: the admit function failed: .*peers_spec.lua:%d+: oops")
  end)

  it("refuses another version of the protocol, and a hello that is none", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, case in ipairs {
      { function(s) return s:hello { version = 1 } end, "unsupported" },
      { function(s) return s:hello { version = "2" } end, "protocol" },
      { function(s) return s:hello { proof = "short" } end, "protocol" },
      { function(s) return s:hello { proof = ("x"):rep(32) } end, "denied" },
      { function(s) return s:hello { instance = "x" } end, "protocol" },
      { function() return { hello = 5 } end, "protocol" }, { function() return {} end, "protocol" },
      { function() return { id = 1, topic = "ping", body = {} } end, "protocol" },
      { function() return { welcome = {} } end, "protocol" },
    } do
      local stranger <close> = strangers.call(a)
      assert(stranger:say(case[1](stranger)))
      local message, err = stranger:hear()
      assert.is_nil(message)
      assert.equal(case[2], err.code)
    end
    assert.equal(0, #a:peers())
  end)

  it("refuses a welcome that is none", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, welcome in ipairs {
      function() return { welcome = { free = -1 } } end, function() return { welcome = { you = ("x"):rep(300) } } end,
      function() return { welcome = true } end, function() return {} end,
      function(s) return { welcome = { member = s:member().text } } end,
      function(s) return { welcome = { member = s:member { about = "text" } } } end,
      function(s) return { welcome = { member = s:member { id = ("x"):rep(32) } } } end, -- another's
      function(s) return { welcome = { member = { text = s:member().text, signature = s:member({ number = 2 }).signature } } } end,
    } do
      local stranger <close> = strangers.call(a)
      assert(stranger:say(stranger:hello()))
      assert(stranger:hear() and stranger:hear())
      assert(stranger:say(welcome(stranger)))
      assert.equal("protocol", select(2, stranger:hear()).code)
    end
    assert.equal(0, #a:peers())
  end)

  it("without TLS takes a signature for the ID, and nothing less", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { tls = false })
    assert.is_truthy(net:logged "a warning: tls = false")
    assert.equal(2, #assert(a:store("key", nodes.bytes(3 << 20))).copies)
    assert(a:evict "key")
    assert.equal(nodes.bytes(3 << 20), nodes.content(a, "key"))
    for _, signature in ipairs { nodes.NONE, ("s"):rep(64) } do
      local liar <close> = strangers.call(b, { tls = false })
      assert(liar:say(liar:hello { signature = signature }))
      local message, err = liar:hear()
      assert.is_nil(message)
      assert.equal("denied", err.code)
    end
    local c = net:start "c"
    local peer, err = c:connect(a.address)
    assert.is_nil(peer)
    assert.is_string(err.code)
    assert.equal(1, #a:peers())
  end)
end)
