local crypto = require "filo.core.crypto"
local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local strangers = require "spec.support.stranger"

local listed = assert(crypto.identity_generate())

---Calls fn(peer, node) with a node and a peer that has shaken hands with it, without TLS.
local function knock(fn, options)
  local net <close> = nodes.net()
  local given = { tls = false }
  for name, value in pairs(options or {}) do given[name] = value end
  local node = net:start("a", given)
  local peer <close> = strangers.call(node, { tls = false, identity = listed })
  fn(peer, node)
end

local function refused(reason, hello)
  knock(function(peer, node)
    assert(peer:say(type(hello) == "function" and hello(peer) or hello))
    assert.equal(reason, peer:farewell())
    assert.same({}, node:peers())
  end)
end

describe("a peer is let in", function()
  it("when it proves that it knows the cluster secret", function()
    knock(function(peer, node)
      peer:greet()
      nodes.peers(node, 1)
      assert.equal(peer.id, node:peers()[1].id)
    end)
  end)

  it("when its ID is listed", function()
    knock(function(peer, node)
      peer:greet { proof = peer:proof "another secret" }
      nodes.peers(node, 1)
    end, { peers = { listed:id() } })
  end)
end)

describe("a peer is refused", function()
  it("with another secret, or none", function()
    refused("denied", function(peer) return peer:hello { proof = peer:proof "another secret" } end)
    refused("denied", function(peer) return peer:hello { proof = ("x"):rep(32) } end)
  end)

  it("with the proof of the other side, or of another connection", function()
    refused("denied", function(peer) return peer:hello { proof = peer:proof(nodes.SECRET, "listener") } end)
    local seen
    knock(function(peer) seen = peer:proof() end)
    refused("denied", function(peer) return peer:hello { proof = seen } end)
    knock(function(peer)
      local theirs = assert(peer:hear()).hello.proof -- the node's own, given back to it
      assert(peer:say(peer:hello { proof = theirs }))
      assert.equal("denied", peer:farewell())
    end)
  end)

  it("without a proof of its ID, where TLS gives none", function()
    refused("denied", function(peer) return peer:hello { signature = ("x"):rep(64) } end)
    refused("denied", function(peer) return peer:hello { signature = peer:signature "listener" } end)
  end)

  it("that speaks another version, or says something else first", function()
    refused("unsupported", function(peer) return peer:hello { version = 2 } end)
    for _, message in ipairs {
      {}, { welcome = true }, { id = 1, topic = "ping" }, { hello = 1 }, { hello = {} }, { hello = { version = "1" } },
      { hello = { version = 1, proof = "short" } }, { hello = { version = 1, about = 1 } }, { hello = { version = 0 } },
    } do
      refused("protocol", message)
    end
  end)

  it("that asks before it has the other's welcome", function()
    knock(function(peer, node)
      assert(peer:say(peer:hello()))
      assert(peer:say { id = 1, topic = "ping", body = {} })
      assert.equal("protocol", peer:farewell())
      assert.same({}, node:peers())
    end)
  end)

  it("with the proof of another connection over TLS, too", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    local first <close> = strangers.call(node, { identity = listed })
    local second <close> = strangers.call(node, { identity = listed })
    assert(second:say(second:hello { proof = first:proof() }))
    assert(second:hear().hello)
    local message, err = second:hear()
    assert.is_nil(message)
    assert.equal("denied", err.code)
    assert(first:say(first:hello()))
    assert(first:hear().hello)
    assert.is_true(first:hear().welcome)
  end)
end)

describe("a node's options", function()
  it("want a secret that is not too short", function()
    local net <close> = nodes.net()
    raises("at least 8 bytes", function() net:try("a", { cluster = "short" }) end)
  end)
end)

-- Nobody had to prove who he was: any program that could connect was a peer.

local HELLOS = {
  ["does not prove that it knows the secret"] = { { proof = nodes.NONE }, "denied" },
  ["proves another secret"] = { { proof = ("p"):rep(32) }, "denied" },
  ["does not prove its ID"] = { { signature = nodes.NONE }, "denied" },
  ["claims another's ID"] = { { signature = ("s"):rep(64) }, "denied" },
  ["speaks another version"] = { { version = 2 }, "unsupported" },
  ["sends a proof that is none"] = { { proof = "short" }, "protocol" },
  ["sends a field of another type"] = { { listen = 5 }, "protocol" },
}

describe("a node", function()
  for what, case in pairs(HELLOS) do
    it("refuses who " .. what, function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local stranger <close> = strangers.call(a, { tls = false })
      stranger:say(stranger:hello(case[1]))
      stranger:say { id = 1, topic = "find", body = { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) } }
      assert.equal(case[2], stranger:farewell())
      assert.is_nil(stranger.replies[1])
      assert.same({}, a:peers())
    end)
  end

  it("refuses a hello that somebody else has sent", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local honest <close> = strangers.meet(a, { tls = false })
    local thief <close> = strangers.call(a, { identity = honest.identity, tls = false })
    thief:say(thief:hello { proof = honest:proof(), signature = honest:signature() })
    assert.equal("denied", thief:farewell())
    assert.equal(1, #a:peers())
  end)

  it("gives nothing to who was not let in, and takes nothing", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = strangers.call(a, { tls = false })
    local forged = forge(stranger.identity, { content = "content" })
    stranger:say { id = 1, topic = "store", body = { record = forged.record, body = forged.hashes .. forged.content } }
    assert.equal("protocol", stranger:farewell())
    local late <close> = strangers.call(a, { tls = false })
    late:say(late:hello { proof = nodes.NONE })
    late:say { welcome = true }
    late:say { id = 1, topic = "store", body = { record = forged.record, body = forged.hashes .. forged.content } }
    assert.equal("denied", late:farewell())
    local honest <close> = strangers.meet(a, { tls = false })
    assert.same({}, (honest:find(forged)))
  end)

  it("refuses everybody when it has no secret and lists nobody", function()
    local net <close> = nodes.net()
    local a = net:start("a", { cluster = nodes.NONE })
    local b = net:start "b"
    local peer, err = b:connect(a.address)
    assert.is_nil(peer)
    assert.equal("denied", err.code)
    assert.same({}, a:peers())
  end)
end)
