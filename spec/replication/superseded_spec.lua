-- A node whose clock was behind, and whose disk had been lost, stored versions older than those that its peers held; the peers' answer that
-- a newer one was there counted as a copy.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

local SIZES = { 10, (2 << 20) + 5 }

---From now on the node's clock says this; it has no copy of the key.
local function forget(node, key, time)
  inside.of(node).names.host = setmetatable({ time = function() return time end }, { __index = inside.of(node).host })
  nodes.kept(node, key)
  assert(node:evict(key))
end

describe("an owner whose clock is behind what its peers hold", function()
  it("stores a version that is newer than theirs", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, size in ipairs(SIZES) do
      local key, content = "key " .. size, nodes.bytes(size, 2)
      local first = assert(a:store(key, nodes.bytes(size, 1), { fields = { n = 1 } }))
      for _, time in ipairs { 1000000, first.version } do -- older, and the very same version with another record
        forget(a, key, time)
        local receipt = assert(a:store(key, content, { fields = { n = 2 } }))
        assert.is_true(receipt.version > first.version)
        assert.same({ 3, 0, 0 }, { #receipt.copies, #receipt.pending, #receipt.refused })
        assert.equal(receipt.version, a:stat(key).version)
        assert.same({ n = 2 }, a:stat(key).fields)
        for _, holder in ipairs { b, c } do
          local _, record = inside.of(holder).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash(key)))
          local _, here = inside.of(a).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash(key)))
          assert.equal(here, record)
        end
        assert(a:evict(key))
        assert.equal(content, nodes.content(a, key))
        first = receipt
        nodes.kept(a, key)
      end
    end
  end)

  it("does so in the background, too, when the quorum is reached before", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, { policy = { name = "a test", quorum = 1 } })
    local copied = nodes.events(a, "copied")
    for _, size in ipairs(SIZES) do
      local key = "key " .. size
      local first = assert(a:store(key, nodes.bytes(size, 1)))
      copied()
      forget(a, key, 1000000)
      local receipt = assert(a:store(key, nodes.bytes(size, 2)))
      local version = copied().version
      assert.equal(receipt.version, version)
      assert.is_true(receipt.version > first.version)
      assert(a:evict(key))
      assert.equal(nodes.bytes(size, 2), nodes.content(a, key))
      nodes.kept(a, key)
    end
  end)

  it("deletes what they hold", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    forget(a, "key", 1000000)
    assert(a:store("other", "content"))
    assert.equal(2, #assert(a:delete "key").copies)
    assert.is_true(inside.of(b).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")).tombstone)
    assert.is_false(a:has "key")
    assert(a:store("key", "again"))
    assert.equal("again", nodes.content(a, "key"))
  end)

  it("does not believe a record that is not its own", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local liar <close> = strangers.meet(a)
    nodes.peers(a, 1)
    for _, record in ipairs { liar:record { size = 5, version = 1 << 62 }, ("x"):rep(300) } do
      liar:on("store", function() return { body = { record = record } } end)
      local receipt, err = a:store("key", "content")
      assert.is_nil(receipt)
      assert.equal("not_enough_copies", err.code)
      assert.same({ a.id }, err.receipt.copies)
      assert.is_true(err.receipt.version < 1 << 61)
    end
  end)
end)

describe("a store that a later one of the same key overtakes", function()
  it("does not come back; its receipt says that it was replaced", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local store, offered, go_on = inside.of(b).peer_list.requests.handlers.store, filo.channel(), filo.channel()
    local held = 0
    inside.of(b).peer_list:handle("store", function(body, peer)
      held = held + 1
      if held == 1 then
        offered:send(true)
        go_on:receive()
      end
      return store(body, peer)
    end)
    local first = filo.spawn(function() return a:store("key", "first") end)
    assert.is_true(offered:receive(10))
    local second = assert(a:store("key", "second"))
    go_on:close()
    local receipt = assert(first:join(10))
    assert.equal(second.version, receipt.replaced)
    assert.is_nil(second.replaced)
    assert.equal("second", nodes.content(a, "key"))
    assert(a:evict "key")
    assert.equal("second", nodes.content(a, "key"))
  end)
end)
