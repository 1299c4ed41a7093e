-- Nobody had to prove who he was: any program that could connect was a peer.

local crypto = require "filo.core.crypto"
local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local raw_peers = require "spec.support.raw_peer"

---Codes of core/error.h, as a reset tells them.
local DENIED, PROTOCOL, UNSUPPORTED = 7, 12, 17

local HELLOS = {
  ["does not prove that it knows the secret"] = { { proof = false }, DENIED },
  ["proves another secret"] = { { proof = ("p"):rep(32) }, DENIED },
  ["does not prove its ID"] = { { signature = false }, DENIED },
  ["claims another's ID"] = { { signature = ("s"):rep(64) }, DENIED },
  ["speaks another version"] = { { version = 2 }, UNSUPPORTED },
  ["sends a proof that is none"] = { { proof = "short" }, PROTOCOL },
  ["sends a field of another type"] = { { listen = 5 }, PROTOCOL },
}

describe("a node", function()
  for what, case in pairs(HELLOS) do
    it("refuses who " .. what, function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local stranger <close> = raw_peers.introduce(a)
      stranger:hello(case[1])
      stranger:message { id = 1, topic = "find", body = { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) } }
      assert.equal(case[2], stranger:farewell())
      assert.is_nil(stranger.replies[1])
      assert.same({}, a:peers())
    end)
  end

  it("refuses a hello that somebody else has sent", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local honest <close> = raw_peers.meet(a)
    local thief <close> = raw_peers.introduce(a, { identity = honest.identity })
    thief:hello { proof = crypto.hmac_sha256(nodes.SECRET, "filo cluster v1 dialler" .. honest.binding),
      signature = honest.identity:sign("filo hello v1 dialler" .. honest.binding) }
    assert.equal(DENIED, thief:farewell())
    assert.equal(1, #a:peers())
  end)

  it("gives nothing to who was not let in, and takes nothing", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = raw_peers.introduce(a)
    local forged = forge(stranger.identity, { content = "content" })
    stranger:message { id = 1, topic = "store", body = { record = forged.record, body = forged.hashes .. forged.content } }
    assert.equal(PROTOCOL, stranger:farewell())
    local late <close> = raw_peers.introduce(a)
    late:hello { proof = false }
    late:message { welcome = true }
    late:message { id = 1, topic = "store", body = { record = forged.record, body = forged.hashes .. forged.content } }
    assert.equal(DENIED, late:farewell())
    local honest <close> = raw_peers.meet(a)
    assert.same({}, (honest:ask("find", { namespace = forged.namespace, key_hash = forged.key_hash })))
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
