-- Hooks were given the node's own tables: one that changed what it was given changed the receipt of a store, the size of what was being
-- copied, why a peer had gone, or what the next hook was shown.

local nodes = require "spec.support.nodes"

---Empties a table, and all in it but peers.
local function spoil(value)
  if type(value) ~= "table" or value.connection then return end
  for name, each in pairs(value) do
    spoil(each)
    value[name] = nil
  end
  value.spoilt = true
end

---Has two hooks of each name on a node: what the second is given must be whole. Gives what they were given, by name.
local function hang(node, names)
  local given, spoilt = {}, {}
  for _, name in ipairs(names) do
    node:on(name, function(...)
      for i = 1, select("#", ...) do spoil((select(i, ...))) end
    end, 1)
    node:on(name, function(...)
      given[name] = { ... }
      for i = 1, select("#", ...) do
        local each = select(i, ...)
        if type(each) == "table" and each.spoilt then table.insert(spoilt, name) end
      end
    end)
  end
  return given, spoilt
end

local AT_OWNER = { "before_store", "stored", "copied", "before_delete", "deleted", "peer_up", "peer_down", "corrupt" }
local AT_PEER = { "before_accept", "accepted" }

describe("what a hook is given", function()
  it("is its own", function()
    local net <close> = nodes.net()
    local b = net:start "b"
    local a = net:start "a"
    local at_a, spoilt_at_a = hang(a, AT_OWNER)
    local at_b, spoilt_at_b = hang(b, AT_PEER)
    assert(a:connect(b.address))
    for _, size in ipairs { 10, (3 << 20) + 5 } do
      local receipt = assert(a:store("key", nodes.bytes(size), { fields = { mine = { 1 } } }))
      nodes.wait(function() return at_a.stored and at_a.copied and at_b.accepted end, "hooks")
      assert.equal(size, receipt.size)
      assert.same({ a.id, b.id }, receipt.copies)
      assert.same({ mine = { 1 } }, a:stat("key").fields)
    end
    nodes.flip(nodes.place(a, b, "key"), 20)
    assert(a:evict "key")
    assert.is_nil((nodes.content(a, "key")))
    nodes.wait(function() return at_a.corrupt end, "hook")
    assert(a:store("key", "content"))
    local receipt = assert(a:delete "key")
    nodes.wait(function() return at_a.deleted end, "hook")
    assert.equal("key", receipt.key)
    assert.same({ a.id, b.id }, receipt.copies)
    local peer = a:peers()[1]
    net:stop "b"
    nodes.wait(function() return at_a.peer_down end, "hook")
    assert.is_string(peer.gone.code)
    for _, name in ipairs(AT_OWNER) do assert.is_table(at_a[name], name) end
    for _, name in ipairs(AT_PEER) do assert.is_table(at_b[name], name) end
    assert.same({}, spoilt_at_a)
    assert.same({}, spoilt_at_b)
  end)
end)
