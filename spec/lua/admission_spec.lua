local crypto = require "filo.core.crypto"
local links = require "spec.support.links"
local net = require "filo.core.net"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local wire = require "spec.support.wire"

local SECRET = "the cluster secret of a test"
local DENIED, PROTOCOL, UNSUPPORTED = 7, 12, 17

---Calls fn(peer, node) with a node and a peer that has shaken hands with it.
local function knock(fn, options)
  local net_here <close> = nodes.net()
  local given = { tls = false }
  for name, value in pairs(options or {}) do given[name] = value end
  local node = net_here:start("a", given)
  local peer <close> = wire.dial(node.address)
  fn(peer, node)
end

local function refused(reason, hello)
  knock(function(peer, node)
    peer:send(wire.value(type(hello) == "function" and hello(peer) or hello))
    assert.equal(reason, peer:last_words())
    assert.same({}, node:peers())
  end)
end

describe("a peer is let in", function()
  it("when it proves that it knows the cluster secret", function()
    knock(function(peer, node)
      peer:greet(SECRET)
      nodes.peers(node, 1)
      assert.equal(wire.me:id(), node:peers()[1].id)
    end)
  end)

  it("when its ID is listed", function()
    knock(function(peer, node)
      peer:greet "another secret"
      nodes.peers(node, 1)
    end, { peers = { wire.me:id() } })
  end)
end)

describe("a peer is refused", function()
  it("with another secret, or none", function()
    refused(DENIED, function(peer) return peer:make_hello "another secret" end)
    refused(DENIED, function(peer) return peer:make_hello(SECRET, { proof = ("x"):rep(32) }) end)
  end)

  it("with the proof of the other side, or of another connection", function()
    refused(DENIED, function(peer) return peer:make_hello(SECRET, { proof = peer:proof(SECRET, false) }) end)
    local seen
    knock(function(peer) seen = peer:proof(SECRET, true) end)
    refused(DENIED, function(peer) return peer:make_hello(SECRET, { proof = seen }) end)
    knock(function(peer)
      local theirs = assert(peer:value()).hello.proof -- the node's own, given back to it
      peer:send(wire.value(peer:make_hello(SECRET, { proof = theirs })))
      assert.equal(DENIED, peer:last_words())
    end)
  end)

  it("without a proof of its ID, where TLS gives none", function()
    refused(DENIED, function(peer) return peer:make_hello(SECRET, { signature = ("x"):rep(64) }) end)
    refused(DENIED, function(peer)
      return peer:make_hello(SECRET, { signature = wire.me:sign("filo hello v1 listener" .. peer.binding) })
    end)
  end)

  it("that speaks another version, or says something else first", function()
    refused(UNSUPPORTED, function(peer) return peer:make_hello(SECRET, { version = 2 }) end)
    for _, message in ipairs {
      {}, { welcome = true }, { id = 1, topic = "ping" }, { hello = 1 }, { hello = {} }, { hello = { version = "1" } },
      { hello = { version = 1, proof = "short" } }, { hello = { version = 1, about = 1 } }, { hello = { version = 0 } },
    } do
      refused(PROTOCOL, message)
    end
  end)

  it("that asks before it has the other's welcome", function()
    knock(function(peer, node)
      peer:send(wire.value(peer:make_hello(SECRET)) .. wire.value { id = 1, topic = "ping", body = {} })
      assert.equal(PROTOCOL, peer:last_words())
      assert.same({}, node:peers())
    end)
  end)

  it("with the proof of another connection over TLS, too", function()
    local net_here <close> = nodes.net()
    local node = net_here:start "a"
    local function connect() return assert(net.dial(node.address, links.options(links.a))) end
    local function proof(connection) return crypto.hmac_sha256(SECRET, "filo cluster v1 dialler" .. connection:binding()) end
    local first <close> = connect()
    local second <close> = connect()
    assert(second:send { hello = { version = 1, proof = proof(first) } })
    assert(second:receive(10).hello)
    local message, err = second:receive(10)
    assert.is_nil(message)
    assert.equal("denied", err.code)
    assert(first:send { hello = { version = 1, proof = proof(first) } })
    assert(first:receive(10).hello)
    assert.is_true(first:receive(10).welcome)
  end)
end)

describe("a node's options", function()
  it("want a secret that is not too short", function()
    local net_here <close> = nodes.net()
    raises("at least 8 bytes", function() net_here:try("a", { cluster = "short" }) end)
  end)
end)
