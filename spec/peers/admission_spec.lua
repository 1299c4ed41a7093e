local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local forge = require "spec.support.forge"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local secret = require "filo.peers.secret"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

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
      assert(peer:say(peer:hello()))
      seen = assert(peer:hear()).hello.proof -- the node's own, given back to it
    end)
    refused("denied", function(peer) return peer:hello { proof = seen } end)
  end)

  it("without a proof of its ID, where TLS gives none", function()
    refused("denied", function(peer) return peer:hello { signature = ("x"):rep(64) } end)
    refused("denied", function(peer) return peer:hello { signature = peer:signature "listener" } end)
  end)

  it("that speaks another version, or says something else first", function()
    refused("unsupported", function(peer) return peer:hello { version = 1 } end)
    for _, message in ipairs {
      {}, { welcome = {} }, { id = 1, topic = "ping" }, { hello = 1 }, { hello = {} }, { hello = { version = "2" } },
      { hello = { version = 5, proof = "short" } }, { hello = { version = 4, instance = 1 } }, { hello = { version = 0 } },
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
    local message, err = second:hear()
    assert.is_nil(message)
    assert.equal("denied", err.code)
    assert(first:say(first:hello()))
    assert(first:hear().hello)
    assert.is_table(first:hear().welcome)
  end)
end)

-- The first message of a node gave a proof of the cluster secret to anybody who connected: with it a secret that a person made up can be
-- guessed without asking again. It told everybody the free space, the address and what the owner says of the node, too.

---Calls fn(hello, peer, task) with what a node that dials a listener tells it, and that listener's end, without TLS. task: of the dial.
local function dialled(fn)
  local net <close> = nodes.net()
  local a = net:start("a", { tls = false, about = { zone = "x" } })
  local listener <close> = filo.listen "127.0.0.1:0"
  local connecting = filo.spawn(function() return a:connect(listener:address()) end)
  local peer <close> = wire.accept(listener)
  fn(assert(peer:receive()).hello, peer, connecting)
end

local function names(map)
  local list = {}
  for name in pairs(map) do list[#list + 1] = name end
  table.sort(list)
  return list
end

describe("a node that is dialled", function()
  it("says nothing before the other side has", function()
    local _ <close> = limits { hello = 0.2 }
    knock(function(peer) assert.is_nil((peer:hear())) end)
  end)

  it("proves nothing to who does not prove that it knows the secret", function()
    knock(function(peer)
      assert(peer:say(peer:hello { proof = nodes.NONE }))
      local message, err = peer:hear()
      assert.is_nil(message)
      assert.equal("denied", err.code)
    end)
    knock(function(peer)
      local hello = peer:greet { proof = peer:proof "another secret" }
      assert.is_nil(hello.proof)
    end, { peers = { listed:id() } })
  end)

  it("proves that it knows the secret to who has proved that, and then tells of itself", function()
    knock(function(peer)
      local hello, welcome = peer:greet()
      assert.equal(peer:proof(nodes.SECRET, "listener"), hello.proof)
      assert.same({ "instance", "proof", "signature", "version" }, names(hello))
      assert.same({ "claims", "free", "member", "you" }, names(welcome))
      assert.same({ zone = "x" }, cbor.decode(welcome.member.text).about)
    end, { about = { zone = "x" } })
  end)
end)

describe("a node that dials", function()
  it("tells of itself only who has proved that it knows the secret", function()
    dialled(function(hello, peer, connecting)
      assert.same({ "instance", "proof", "signature", "version" }, names(hello))
      local identity = wire.me
      peer:send { hello = { version = 5, proof = ("x"):rep(32), signature = identity:sign("filo hello v1 listener" .. peer:binding()) } }
      local message, err = peer:receive()
      assert.is_nil(message)
      assert.equal("denied", err.code)
      assert.equal("denied", select(2, connecting:join(10)).code)
    end)
  end)

  it("is let in by who proves it, and answers with its welcome", function()
    dialled(function(_, peer, connecting)
      local proof = crypto.hmac_sha256(nodes.SECRET, "filo cluster v1 listener" .. peer:binding())
      local signature = wire.me:sign("filo hello v1 listener" .. peer:binding())
      peer:send { hello = { version = 5, proof = proof, signature = signature } }
      local text = cbor.encode { id = wire.me:raw_id(), number = 1, addresses = {}, about = { zone = "y" } }
      peer:send { welcome = { member = { text = text, signature = wire.me:sign("filo member v1\n" .. text) } } }
      local welcome = assert(peer:receive()).welcome
      assert.same({ zone = "x" }, cbor.decode(welcome.member.text).about)
      assert.same({ zone = "y" }, assert(connecting:join(10)).about)
    end)
  end)

  it("says nothing where another node is expected", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local listener <close> = filo.listen "127.0.0.1:0"
    local connecting = filo.spawn(function() return a:connect { address = listener:address(), id = ("ab"):rep(32) } end)
    local peer <close> = wire.accept(listener)
    local message, err = peer:receive()
    assert.is_nil(message)
    assert.equal("denied", err.code)
    assert.equal("denied", select(2, connecting:join(10)).code)
  end)
end)

describe("a node's options", function()
  it("want a secret that is not too short", function()
    local net <close> = nodes.net()
    raises("at least 8 bytes", function() net:try("a", { cluster = "short" }) end)
  end)

  it("are told to have a weak secret when a person made it up", function()
    local net <close> = nodes.net()
    local a = net:start("a", { cluster = "our family's secret of 1984" })
    assert.is_truthy(net:logged "a warning: the cluster secret looks like one that a person made up.*openssl rand %-hex 32")
    net:start "b"
    assert.is_nil(net:logged "b warning: the cluster")
    assert.is_nil(net:logged "family")
    local lines = #net.lines
    a:configure(net.options.a)
    assert.equal(lines, #net.lines)
  end)

  it("are told so of a weak secret that they are given while the node runs", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    net.options.a.cluster = "correct horse battery staple"
    a:configure(net.options.a)
    assert.is_truthy(net:logged "a warning: the cluster secret looks like one that a person made up")
  end)
end)

describe("a cluster secret", function()
  it("is taken for random when a machine could have drawn it, and for made up when it is short or of words", function()
    for _, text in ipairs {
      "5f1e0c6b9d2748a3b7e40d1c86f29a55", ("5F1E0C6B9D2748A3"):rep(2), "0d5c3f1a-8f0e-4c52-9a9b-0e64f3f7a1c2",
      "pM9xZ2b7QeR4tLw0VhK8cS", "3q2+7wAbCdEf9hIjK1mNo4QrStU=", "x8$kQ2!vR5#mT9@wZ4%n7pL", "\xff\x00\x9c1234567890123",
    } do
      assert.is_true(secret.is_random(text), text)
    end
    for _, text in ipairs {
      "12345678", "password", "hunter2hunter2", "correct horse battery staple", "correcthorsebatterystaplecorrecthorse", "Summer2024",
      "CorrectHorseBatteryStaple2024", "a secret that all my nodes share", ("0"):rep(64), ("ab12"):rep(16), "5f1e0c6b9d2748a3",
      "unser Haus hat 3 Türen und 12 Fenster", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
    } do
      assert.is_false(secret.is_random(text), text)
    end
  end)

  it("that is random is taken for made up by nobody", function()
    for i = 1, 200 do
      assert.is_true(secret.is_random(crypto.hex(crypto.digest("sha256", "secret " .. i))))
      assert.is_true(secret.is_random(crypto.digest("sha256", "secret " .. i)))
    end
  end)
end)

-- Nobody had to prove who he was: any program that could connect was a peer.

local HELLOS = {
  ["does not prove that it knows the secret"] = { { proof = nodes.NONE }, "denied" },
  ["proves another secret"] = { { proof = ("p"):rep(32) }, "denied" },
  ["does not prove its ID"] = { { signature = nodes.NONE }, "denied" },
  ["claims another's ID"] = { { signature = ("s"):rep(64) }, "denied" },
  ["speaks another version"] = { { version = 1 }, "unsupported" },
  ["sends a proof that is none"] = { { proof = "short" }, "protocol" },
  ["sends a field of another type"] = { { instance = 5 }, "protocol" },
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
    local forged = forge(stranger.keys, { content = "content" })
    stranger:say { id = 1, topic = "store", body = { record = forged.record, body = forged.hashes .. forged.content } }
    assert.equal("protocol", stranger:farewell())
    local late <close> = strangers.call(a, { tls = false })
    late:say(late:hello { proof = nodes.NONE })
    late:say(late:welcome())
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
