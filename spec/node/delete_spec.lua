local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"

local SIZES = { 10, (2 << 20) + 5 }

local function fields_at(owner, node, key)
  return (inside.of(node).disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash(key))))
end

describe("node:delete", function()
  it("deletes here and at every peer, and gives a receipt", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, size in ipairs(SIZES) do
      local key = "key " .. size
      local stored = assert(a:store(key, nodes.bytes(size)))
      local receipt = assert(a:delete(key))
      assert.equal(key, receipt.key)
      assert.is_true(receipt.version > stored.version)
      assert.same({ 3, 0, 0 }, { #receipt.copies, #receipt.pending, #receipt.refused })
      for _, node in ipairs { a, b, c } do assert.is_true(fields_at(a, node, key).tombstone) end
      nodes.check_deleted(a, key)
    end
    for _ in a:list() do error "nothing should be listed" end
  end)

  it("of what does not exist says so", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local receipt, err = a:delete "never stored"
    assert.is_nil(receipt)
    assert.equal("not_found", err.code)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    receipt, err = a:delete "key"
    assert.is_nil(receipt)
    assert.equal("'key' was deleted", tostring(err))
  end)

  it("of what is at peers only deletes it there", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:evict "key")
    assert.equal(2, #assert(a:delete "key").copies)
    assert.is_true(fields_at(a, b, "key").tombstone)
    nodes.check_deleted(a, "key")
  end)

  it("lets the key be stored again", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 3 do
      assert(a:store("key", "content " .. i))
      assert.equal("content " .. i, nodes.content(a, "key"))
      assert.is_false(fields_at(a, b, "key").tombstone)
      assert(a:delete "key")
    end
  end)

  it("may be refused by a hook, and tells hooks", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    local asked
    local remove = a:on("before_delete", function(item)
      asked = item.key
      return false, "it is precious"
    end)
    local told = nodes.events(a, "deleted")
    local receipt, err = a:delete "key"
    assert.is_nil(receipt)
    assert.equal("denied", err.code)
    assert.matches("refused: it is precious", tostring(err))
    assert.equal("content", nodes.content(a, "key"))
    assert.equal("key", asked)
    remove()
    assert(a:delete "key")
    local item
    item, receipt = told()
    assert.same({ "key", 7, 1 }, { item.key, item.size, #receipt.copies })
  end)

  it("names the peer that refused", function()
    local net <close> = nodes.net()
    local archive = { name = "an archive", accept = function(offer) return not offer.tombstone, "an archive" end }
    local a, b = net:cluster(2, {}, { b = { policy = archive } })
    assert(a:store("key", "content"))
    local receipt = assert(a:delete "key")
    assert.same({ a.id }, receipt.copies)
    assert.equal(b.id, receipt.refused[1].peer)
    assert.matches("an archive", receipt.refused[1].reason)
    nodes.check_deleted(a, "key")
  end)
end)

-- delete removed the first folder of an object's path, and with it every object whose path started alike.

local KEYS = { "a", "b", "c", "a/b", "a/b/c", "", "z" }
KEYS[6] = ("k"):rep(300)

---All objects lie in folders that others use too.
local function crowded(hash) return ("same/%s/%s"):format(tonumber(hash:sub(1, 2), 16) % 2, hash) end

---The file of an object of the owner's at a node: the same bytes everywhere.
local function sealed(owner, node, key)
  local file <close> = assert(io.open(nodes.place(owner, node, key), "rb"))
  return file:read "a"
end

describe("deleting", function()
  for _, case in ipairs { { "default paths" }, { "crowded folders", crowded }, { "one digit wide", { width = 1, depth = 1 } } } do
    it("takes that object only, here and at peers: " .. case[1], function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2, { path = case[2] or nodes.NONE })
      for _, key in ipairs(KEYS) do
        assert(a:store(key, "a's " .. key))
        assert(b:store(key, "b's " .. key)) -- a neighbour of another owner
      end
      for i, key in ipairs(KEYS) do
        local receipt = assert(a:delete(key))
        assert.equal(2, #receipt.copies)
        for j, other in ipairs(KEYS) do
          assert.equal(j > i and "a's " .. other or nil, (nodes.content(a, other)))
          assert.equal("b's " .. other, nodes.content(b, other))
          assert.equal(j > i, a:stat(other) ~= nil)
          assert.equal(j > i, a:verify(other) ~= nil)
          assert.equal(sealed(a, a, other), sealed(a, b, other)) -- tombstones too
        end
      end
    end)
  end

  it("takes one copy only", function()
    local net <close> = nodes.net()
    local a = net:start("a", { path = crowded })
    for _, key in ipairs(KEYS) do assert(a:store(key, "content of " .. key)) end
    for i, key in ipairs(KEYS) do
      nodes.drop(a, key)
      for j, other in ipairs(KEYS) do assert.equal(j > i and "content of " .. other or nil, (nodes.content(a, other))) end
    end
  end)
end)
