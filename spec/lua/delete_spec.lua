local filo = require "filo"
local nodes = require "spec.support.nodes"

local SIZES = { 10, (2 << 20) + 5 }

local function fields_at(owner, node, key) return (node.disk:stat(owner.namespace, owner:path_of(owner:key_hash(key)))) end

local function wait_tombstone(owner, node, key)
  nodes.wait(function()
    local fields = fields_at(owner, node, key)
    return fields and fields.tombstone
  end, "tombstone")
end

local function check_deleted(node, key)
  local object, err = node:get(key)
  assert.is_nil(object)
  assert.equal("not_found", err.code)
  assert.equal(("'%s' was deleted"):format(key), tostring(err))
  assert.is_false(node:has(key))
  assert.is_nil(node:stat(key))
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
      check_deleted(a, key)
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
    check_deleted(a, "key")
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
    local asked, told
    local remove = a:on("before_delete", function(item)
      asked = item.key
      return false, "it is precious"
    end)
    a:on("deleted", function(item, receipt) told = { item.key, item.size, #receipt.copies } end)
    local receipt, err = a:delete "key"
    assert.is_nil(receipt)
    assert.equal("denied", err.code)
    assert.matches("refused: it is precious", tostring(err))
    assert.equal("content", nodes.content(a, "key"))
    assert.equal("key", asked)
    remove()
    assert(a:delete "key")
    nodes.wait(function() return told end, "hook")
    assert.same({ "key", 7, 1 }, told)
  end)

  it("names the peer that refused", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, {}, { b = { policy = { accept = function(offer) return not offer.tombstone, "an archive" end } } })
    assert(a:store("key", "content"))
    local receipt = assert(a:delete "key")
    assert.same({ a.id }, receipt.copies)
    assert.equal(b.id, receipt.refused[1].peer)
    assert.matches("an archive", receipt.refused[1].reason)
    check_deleted(a, "key")
  end)
end)

describe("a peer that was away during a delete", function()
  for _, restarted in ipairs { false, true } do
    it("is told when it comes back" .. (restarted and ", though the owner was restarted, too" or ""), function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2)
      for _, size in ipairs(SIZES) do assert(a:store("key " .. size, nodes.bytes(size))) end
      assert(a:store("kept", "content"))
      net:stop "b"
      nodes.peers(a, 0)
      for _, size in ipairs(SIZES) do assert.same({ a.id }, assert(a:delete("key " .. size)).copies) end
      if restarted then a = net:restart "a" end
      net.options.b.listen = b.address
      b = net:start("b", net.options.b)
      nodes.peers(a, 1)
      for _, size in ipairs(SIZES) do
        wait_tombstone(a, b, "key " .. size)
        check_deleted(a, "key " .. size)
      end
      assert.is_false(fields_at(a, b, "kept").tombstone)
    end)
  end

  it("cannot bring the object back before it is told", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    net:stop "b"
    nodes.peers(a, 0)
    assert(a:delete "key")
    net.options.b.listen = b.address
    b = net:start("b", net.options.b)
    b.peer_list:handle("store", function() return nil, filo.error("denied", "not yet") end)
    nodes.peers(a, 1)
    check_deleted(a, "key")
    assert.is_false(fields_at(a, b, "key").tombstone)
  end)

  it("is told once", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 3 do
      assert(a:store("key " .. i, "content"))
      assert(a:delete("key " .. i))
    end
    local told, back = 0, false
    b:on("before_accept", function() told = told + 1 end)
    a:on("peer_up", function() back = true end)
    b:peers()[1].connection:close()
    nodes.peers(b, 0)
    nodes.peers(b, 1)
    nodes.wait(function() return back and not a.catching_up end, "end of what it is told")
    assert(a:store("last", "content")) -- comes after what it might have been told
    nodes.wait(function() return told > 0 end, "store")
    assert.equal(1, told)
  end)

  it("is told by an owner that has lost its disk and learns of the delete from another", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    local record = select(2, c.disk:stat(a.namespace, a:path_of(a:key_hash "key")))
    local store = c.peer_list.handlers.store
    c.peer_list:handle("store", function() return nil, filo.error("denied", "away") end)
    assert.equal(2, #assert(a:delete "key").copies)
    c.peer_list:handle("store", store)
    assert(os.remove(nodes.place(a, a, "key")))
    assert.equal(record, select(2, c.disk:stat(a.namespace, a:path_of(a:key_hash "key"))))
    check_deleted(a, "key")
    wait_tombstone(a, c, "key")
    assert.is_true(fields_at(a, a, "key").tombstone)
    assert.is_truthy(b)
  end)
end)
