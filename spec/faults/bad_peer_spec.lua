---Peers that send what is wrong, in every way that an object can be: nothing of it is kept or served, and the node goes on.

local crypto = require "filo.core.crypto"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local SIZE = (1 << 20) + 1000
local owner = assert(crypto.identity_generate()):namespace()

local function start(net) return net:start("a", { tls = false, policy = { name = "a test", quorum = 1 } }) end

local function flip(bytes, at, mask) return bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ mask) .. bytes:sub(at + 1) end

---What is answered about an object that is offered, and then sent with these bytes.
local function send(peer, forged, bytes)
  local fill = assert(peer:offer(forged))
  peer.line:write_stream(1, bytes)
  peer.line:write(wire.stream(1, ""))
  return peer:reply(fill)
end

local function check_refused(code) assert.is_true(code == "corrupt" or code == "unsupported" or code == "protocol", code) end

describe("a record from a peer", function()
  it("with any one byte changed, or cut anywhere, is refused, by any way", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = strangers.meet(a, { tls = false })
    local good = forge(owner, { content = "content" })
    local body = good.hashes .. good.content
    local function try(record)
      for _, topic in ipairs { "store", "offer" } do
        check_refused(peer:refusal(topic, { record = record, body = topic == "store" and body or nil }))
      end
    end
    for at = 1, #good.record do try(flip(good.record, at, 1 << at % 8)) end
    for size = 0, #good.record - 1, 7 do try(good.record:sub(1, size)) end
    for _, record in ipairs { good.record .. "\0", good.record .. good.record, ("\0"):rep(264) } do try(record) end
    assert.is_nil(peer:find(good).record)
    assert.same({}, (peer:ask("store", { record = good.record, body = body })))
    assert.equal(body, peer:find(good).body)
  end)

  it("whose fields make no sense, though it is signed, is refused", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = strangers.meet(a, { tls = false })
    for _, changes in ipairs {
      { format = 0 }, { format = 1 }, { format = 3 }, { flags = 1 }, { flags = 4 }, { flags = 255 },
      { chunk_bits = 19 }, { chunk_bits = 255 }, { version = -1 }, { length = 59 }, { length = 61 }, { length = 0xffffffff },
      { size = 8 }, { size = 6 }, { size = 0 },
      { root = ("r"):rep(32) }, { namespace = ("n"):rep(32) }, { signature = ("\0"):rep(64) },
      { sealed = ("m"):rep(59) },
    } do
      changes.content = "content"
      local forged = forge(owner, changes)
      check_refused(peer:refusal("store", { record = forged.record, body = forged.hashes .. forged.content }))
      assert.is_nil(peer:find(forged).record)
    end
    assert.same({}, (peer:ask("store", { record = forge(owner).record, body = "" })))
  end)

  it("that is its own and wrongly signed, is kept for it unread, and served to nobody else", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = strangers.meet(a, { tls = false })
    local forged = forge(peer.keys, { content = "content", signature = ("\0"):rep(64) })
    assert.same({}, (peer:ask("store", { record = forged.record, body = forged.hashes .. forged.content })))
    local other <close> = strangers.meet(a, { tls = false })
    assert.equal(forged.record, peer:find(forged).record) -- who writes it verifies it himself
    assert.same({ "corrupt", "its copy was bad" }, { other:refusal("find", { namespace = forged.namespace, key_hash = forged.key_hash }) })
    assert.is_nil((other:find(forged)))
    assert.equal(1, (inside.of(a).disk:bad()))
  end)
end)

describe("content from a peer", function()
  local good = forge(owner, { content = nodes.bytes(SIZE) })
  local bytes = good.hashes .. good.content

  local WRONG = {
    ["with too few bytes"] = bytes:sub(1, -2),
    ["with no bytes"] = "",
    ["with the hash list only"] = good.hashes,
    ["with another hash list"] = flip(bytes, 5, 1),
    ["with a bad first chunk"] = flip(bytes, 64 + 1, 1),
    ["with a bad last chunk"] = flip(bytes, #bytes, 128),
    ["with its chunks in another order"] = good.hashes .. good.content:sub(-1000) .. good.content:sub(1, -1001),
  }

  for what, wrong in pairs(WRONG) do
    it(what .. " is refused; what is right is taken afterwards", function()
      local net <close> = nodes.net()
      local a = start(net)
      local peer <close> = strangers.meet(a, { tls = false })
      local answer, err = send(peer, good, wrong)
      assert.is_nil(answer)
      assert.is_true(err.code == "corrupt" or err.code == "protocol", err.code)
      assert.is_nil(peer:find(good).record)
      assert.equal("not_found", select(2, peer:read(good)).code)
      local honest <close> = strangers.meet(a, { tls = false })
      local fill, offered
      nodes.wait(function() -- it is busy while what is left of the bad copy is being put away
        fill, offered = honest:offer(good)
        assert.is_true(fill ~= nil or offered.code == "busy", offered.message)
        return fill
      end, "slot")
      assert.same({}, (honest:deliver(good, fill, offered)))
      assert.is_true(bytes == honest:read(good))
      assert.equal("content", assert(a:store("key", "content")) and nodes.content(a, "key"))
    end)
  end

  it("with too many bytes is a breach, and nothing is kept", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = strangers.meet(a, { tls = false })
    assert(peer:offer(good))
    assert(peer.line:write_stream(1, bytes))
    peer.line:write(wire.stream(1, "x"))
    assert.equal("protocol", peer:farewell())
    local honest <close> = strangers.meet(a, { tls = false })
    assert.is_nil(honest:find(good).record)
    assert.is_truthy(a:store("key", "content"))
  end)

  it("that is small and of another length than its record says is refused", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = strangers.meet(a, { tls = false })
    local small = forge(owner, { content = "content" })
    local body = small.hashes .. small.content
    for _, wrong in ipairs { "", small.hashes, body:sub(1, -2), body .. "x", body:sub(2), flip(body, 1, 1), flip(body, #body, 1) } do
      assert.equal("corrupt", (peer:refusal("store", { record = small.record, body = wrong })))
    end
    assert.is_nil(peer:find(small).record)
  end)
end)

describe("an older version from a peer", function()
  it("does not replace a newer one, and a tombstone is not undone", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = strangers.meet(a, { tls = false })
    local function store(changes)
      local forged = forge(owner, changes)
      return peer:ask("store", { record = forged.record, body = forged.hashes .. forged.content }), forged
    end
    local _, new = store { content = "new", version = 7 }
    for version = 0, 7 do
      local _, old = store { content = "old", version = version }
      assert.equal(new.record, peer:find(old).record)
      peer:ask("offer", { record = forge(owner, { content = nodes.bytes(100000), version = version }).record })
    end
    local _, grave = store { flags = 1, version = 8 }
    store { content = "back again", version = 7 }
    assert.equal(grave.record, peer:find(grave).record)
  end)

  it("that it offers for what was asked for, or another's record, is not believed by the owner", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, wrong in ipairs {
      forge(owner, { content = "x" }), forge(owner, { content = "x", namespace = inside.of(a).namespace }),
      { record = ("\1"):rep(300), hashes = "", content = "" },
    } do
      local peer <close> = strangers.meet(a)
      nodes.peers(a, 1)
      peer:on("find", function() return { body = { record = wrong.record, body = wrong.hashes .. wrong.content } } end)
      local object, err = a:get "key"
      assert.is_nil(object)
      assert.equal("not_found", err.code)
      assert.is_false(nodes.exists(nodes.place(a, a, "key")))
      peer:close()
      nodes.peers(a, 0)
    end
  end)
end)

-- A size of 0 or below froze the receiver, or killed it; a size of 2^62 was accepted.
describe("a peer's object", function()
  local function check(size, ...)
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false, policy = { name = "a test", quorum = 1 } })
    local stranger <close> = strangers.meet(a, { tls = false })
    local forged = forge(stranger.keys, { size = size })
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
    local a = net:start("a", { tls = false, policy = { name = "a test", quorum = 1 } })
    local stranger <close> = strangers.meet(a, { tls = false })
    local whole, streamed = forge(stranger.keys), forge(stranger.keys, { key_hash = ("s"):rep(32) })
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
