-- A size of 0 or below froze the receiver, or killed it; a size of 2^62 was accepted.

local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("a peer's object", function()
  local function check(size, ...)
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false, policy = { quorum = 1 } })
    local stranger <close> = strangers.meet(a, { tls = false })
    local forged = forge(stranger.identity, { size = size })
    for _, expected in ipairs { ... } do
      assert.equal(expected, (stranger:refusal("offer", { record = forged.record })))
      local code = stranger:refusal("store", { record = forged.record, body = "" })
      assert.is_true(code == expected or code == "corrupt")
    end
    assert.same({}, (stranger:find(forged)))
    assert(a:store("key", "the node goes on"))
  end

  for name, size in pairs { ["-1"] = -1, ["-2^63"] = math.mininteger, ["2^62"] = 1 << 62, ["2^48 + 1"] = (1 << 48) + 1 } do
    it("of an impossible size is refused: " .. name, function() check(size, "corrupt", "corrupt") end)
  end

  it("of a size that may be, but has no room, is refused: 2^48", function() check(1 << 48, "no_space", "no_space") end)

  it("of no bytes is taken, by any way", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false, policy = { quorum = 1 } })
    local stranger <close> = strangers.meet(a, { tls = false })
    local whole, streamed = forge(stranger.identity), forge(stranger.identity, { key_hash = ("s"):rep(32) })
    assert.same({}, (stranger:ask("store", { record = whole.record, body = "" })))
    assert.same({ want = 0, hashes = false }, (stranger:ask("offer", { record = streamed.record })))
    assert.same({}, (stranger:ask("fill", { record = streamed.record, stream = 0, hashes = false, first = 0 })))
    for _, forged in ipairs { whole, streamed } do
      local found = stranger:find(forged)
      assert.same({ forged.record, "" }, { found.record, found.body })
    end
    assert(a:store("empty", ""))
    assert.equal("", nodes.content(a, "empty"))
  end)
end)
