---Peers that send what is wrong, in every way that an object can be: nothing of it is kept or served, and the node goes on.

local crypto = require "filo.core.crypto"
local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local raw_peers = require "spec.support.raw_peer"

local SIZE = (1 << 20) + 1000
local owner = assert(crypto.identity_generate())

local function start(net) return net:start("a", { tls = false, policy = { quorum = 1 } }) end

local function find(peer, forged) return peer:ask("find", { namespace = forged.namespace, key_hash = forged.key_hash }) end

local function flip(bytes, at, mask) return bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ mask) .. bytes:sub(at + 1) end

---Offers and streams an object; gives the answer to the offer or to the fill.
local function send(peer, forged, bytes, finish)
  local fill, err = peer:offer(forged)
  if not fill then return nil, err end
  peer:stream(bytes)
  if finish ~= false then peer:end_stream() end
  return peer:reply(fill)
end

describe("a record from a peer", function()
  it("with any one byte changed, or cut anywhere, is refused, by any way", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = raw_peers.meet(a)
    local good = forge(owner, { content = "content" })
    local body = good.hashes .. good.content
    local function try(record)
      for _, topic in ipairs { "store", "offer" } do
        local answer, err = peer:ask(topic, { record = record, body = topic == "store" and body or nil })
        assert.is_nil(answer)
        assert.is_true(err.code == "corrupt" or err.code == "unsupported" or err.code == "protocol", err.code)
      end
    end
    for at = 1, #good.record do try(flip(good.record, at, 1 << at % 8)) end
    for size = 0, #good.record - 1, 7 do try(good.record:sub(1, size)) end
    for _, record in ipairs { good.record .. "\0", good.record .. good.record, ("\0"):rep(260) } do try(record) end
    assert.is_nil(find(peer, good).record)
    assert.same({}, (peer:ask("store", { record = good.record, body = body })))
    assert.equal(body, find(peer, good).body)
  end)

  it("whose fields make no sense, though it is signed, is refused", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = raw_peers.meet(a)
    for i, changes in ipairs {
      { format = 0 }, { format = 2 }, { flags = 1 }, { flags = 4 }, { flags = 255 }, { chunk_bits = 19 }, { chunk_bits = 255 },
      { zero = 1 }, { length = 59 }, { length = 61 }, { length = 0xffffffff }, { size = 8 }, { size = 6 }, { size = 0 },
      { root = ("r"):rep(32) }, { namespace = ("n"):rep(32) }, { namespace = a.namespace }, { signature = ("\0"):rep(64) },
      { sealed = ("m"):rep(59) },
    } do
      changes.content = "content"
      local forged = forge(owner, changes)
      local answer, err = peer:ask("store", { record = forged.record, body = forged.hashes .. forged.content })
      assert.is_nil(answer, "case " .. i)
      assert.is_true(err.code == "corrupt" or err.code == "unsupported" or err.code == "protocol", err.code)
      assert.is_nil(find(peer, forged).record)
    end
    assert.same({}, (peer:ask("store", { record = forge(owner).record, body = "" })))
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
      local peer <close> = raw_peers.meet(a)
      local answer, err = send(peer, good, wrong)
      assert.is_nil(answer)
      assert.is_true(err.code == "corrupt" or err.code == "protocol", err.code)
      assert.is_nil(find(peer, good).record)
      assert.equal("not_found", select(2, peer:read(good)).code)
      local honest <close> = raw_peers.meet(a)
      answer = assert(honest:ask("offer", { record = good.record }))
      local fill = honest:request("fill", { record = good.record, stream = 1, hashes = answer.hashes, first = answer.want })
      honest:stream((answer.hashes and good.hashes or "") .. good.content:sub(1 + answer.want * (1 << 20)))
      honest:end_stream()
      assert.same({}, (honest:reply(fill)))
      assert.is_true(bytes == honest:read(good))
      assert.equal("content", assert(a:store("key", "content")) and nodes.content(a, "key"))
    end)
  end

  it("with too many bytes is a breach, and nothing is kept", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = raw_peers.meet(a)
    assert(peer:offer(good))
    peer:stream(bytes)
    peer:frame(0x02, 1, 1, "x")
    assert.equal(12, peer:farewell()) -- protocol
    local honest <close> = raw_peers.meet(a)
    assert.is_nil(find(honest, good).record)
    assert.is_truthy(a:store("key", "content"))
  end)

  it("that is small and of another length than its record says is refused", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = raw_peers.meet(a)
    local small = forge(owner, { content = "content" })
    local body = small.hashes .. small.content
    for _, wrong in ipairs { "", small.hashes, body:sub(1, -2), body .. "x", body:sub(2), flip(body, 1, 1), flip(body, #body, 1) } do
      assert.equal("corrupt", select(2, peer:ask("store", { record = small.record, body = wrong })).code)
    end
    assert.is_nil(find(peer, small).record)
  end)
end)

describe("an older version from a peer", function()
  it("does not replace a newer one, and a tombstone is not undone", function()
    local net <close> = nodes.net()
    local a = start(net)
    local peer <close> = raw_peers.meet(a)
    local function store(changes)
      local forged = forge(owner, changes)
      return peer:ask("store", { record = forged.record, body = forged.hashes .. forged.content }), forged
    end
    local _, new = store { content = "new", version = 7 }
    for version = 0, 7 do
      local _, old = store { content = "old", version = version }
      assert.equal(new.record, find(peer, old).record)
      peer:ask("offer", { record = forge(owner, { content = nodes.bytes(100000), version = version }).record })
    end
    local _, grave = store { flags = 1, version = 8 }
    store { content = "back again", version = 7 }
    assert.equal(grave.record, find(peer, grave).record)
  end)

  it("that it offers for what was asked for, or another's record, is not believed by the owner", function()
    local net <close> = nodes.net()
    local a = start(net)
    for _, wrong in ipairs {
      forge(owner, { content = "x" }), forge(owner, { content = "x", namespace = a.namespace }),
      { record = ("\1"):rep(300), hashes = "", content = "" },
    } do
      local peer <close> = raw_peers.meet(a)
      nodes.peers(a, 1)
      local getting = require("filo").spawn(function() return a:get "key" end)
      local request
      repeat request = peer:next_message() until request.topic == "find"
      peer:message { re = request.id, body = { record = wrong.record, body = wrong.hashes .. wrong.content } }
      local object, err = getting:join(10)
      assert.is_nil(object)
      assert.equal("not_found", err.code)
      assert.is_false(nodes.exists(nodes.place(a, a, "key")))
      peer:close()
      nodes.peers(a, 0)
    end
  end)
end)
