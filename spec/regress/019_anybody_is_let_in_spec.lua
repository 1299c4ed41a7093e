-- Nobody had to prove who he was: any program that could connect was a peer.

local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

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
