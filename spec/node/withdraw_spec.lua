local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

local BIG = (3 << 20) + 5

local function has_file(owner, node, key) return nodes.exists(nodes.place(owner, node, key)) end

---Calls fn(handler, body, peer) in the place of what answers requests of a topic at a node.
local function around(node, topic, fn)
  local usual = inside.of(node).peer_list.requests.handlers[topic]
  inside.of(node).peer_list:handle(topic, fn and function(body, peer) return fn(usual, body, peer) end)
end

-- An owner could not have the copy at one peer removed: only deleting the object everywhere did.

describe("node:withdraw", function()
  it("removes the copy at that peer; others stay", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, size in ipairs { 100, BIG } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      assert.is_true(a:withdraw("key", b.id))
      assert.same({ true, false, true }, { has_file(a, a, "key"), has_file(a, b, "key"), has_file(a, c, "key") })
      assert.matches("has no copy of 'key'", refused("not_found", a:withdraw("key", b.id)))
      assert(a:evict "key")
      assert.is_true(content == nodes.content(a, "key"))
      nodes.kept(a, "key")
      assert.equal(3, #assert(a:replicate "key").copies) -- the policy asks for it
      assert.is_true(has_file(a, b, "key"))
    end
  end)

  it("relies on another peer's copy when there is none here, or it is bad", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    local content = nodes.bytes(BIG)
    for _, spoil in ipairs { function() assert(a:evict "key") end, function() nodes.flip(nodes.place(a, a, "key"), 4) end } do
      assert(a:store("key", content))
      spoil()
      assert.is_true(a:withdraw("key", b.id))
      assert.is_true(has_file(a, c, "key"))
      assert.is_true(content == nodes.content(a, "key"))
      nodes.kept(a, "key")
    end
  end)

  it("leaves the last good copy where it is", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    nodes.flip(nodes.place(a, a, "key"), 4)
    nodes.flip(nodes.place(a, c, "key"), 4)
    local why = refused("not_enough_copies", a:withdraw("key", b.id))
    assert.matches("no other good copy of 'key' is known of.*here: .*at node " .. c.id:sub(1, 16), why)
    assert.is_true(has_file(a, b, "key"))
    refused("not_enough_copies", a:withdraw("key", b.id))
    assert.is_true(content == nodes.content(a, "key"))
  end)

  it("compares what another peer proves with the copy that goes, when there is none here", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    assert(a:store("key", nodes.bytes(40000)))
    assert(a:evict "key")
    around(c, "prove", function() return { hash = host.random(32) } end)
    assert.matches("does not have the bytes of it", refused("not_enough_copies", a:withdraw("key", b.id)))
    assert.equal(40000, #nodes.content(a, "key"))
  end))

  it("counts no older copy as another", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", "old"))
    c:on("before_accept", function() return false, "no more" end)
    local _, err = a:store("key", "new")
    assert.equal(2, #err.receipt.copies)
    nodes.drop(a, "key")
    refused("not_enough_copies", a:withdraw("key", b.id))
    assert.equal("new", nodes.content(a, "key"))
    nodes.kept(a, "key")
    assert.is_true(a:withdraw("key", c.id)) -- an older one may go
    assert.is_false(has_file(a, c, "key"))
  end)

  it("of two copies at once, and of one beside evict, leaves one", simulated(function(net)
    local a, b, c = net:cluster(3)
    assert(a:store("key", nodes.bytes(40000)))
    assert(a:evict "key")
    local results = filo.all {
      function() return a:withdraw("key", b.id) or false end, function() return a:withdraw("key", c.id) or false end,
    }
    assert.same({ true, false }, results)
    assert(a:fetch "key")
    results = filo.all { function() return a:evict "key" or false end, function() return a:withdraw("key", c.id) or false end }
    assert.same({ true, false }, results)
    assert.equal(40000, a:stat("key").size)
  end))

  it("says that it was deleted, and leaves the deletion", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    assert.matches("'key' was deleted", refused("not_found", a:withdraw("key", b.id)))
    assert.is_true(has_file(a, b, "key"))
    refused("not_found", a:withdraw("never stored", b.id))
    refused("invalid", a:withdraw("", b.id))
  end)

  it("leaves what became newer meanwhile", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    around(b, "drop", function(usual, body, peer)
      assert(a:store("key", "new"))
      return usual(body, peer)
    end)
    assert.matches("there is a newer version", refused("exists", a:withdraw("key", b.id)))
    assert.is_true(has_file(a, b, "key"))
  end)

  it("says which peer cannot be asked, or is not there", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    around(b, "drop", nil) -- as before there was that question
    assert.matches(b.id:sub(1, 16) .. ".* runs an older Filo, which cannot be asked to remove its copy of 'key'",
      refused("unsupported", a:withdraw("key", b.id)))
    assert.is_true(has_file(a, b, "key"))
    refused("unreachable", a:withdraw("key", ("0"):rep(64)))
    raises("^spec/node/withdraw_spec.lua:%d+: withdraw: a peer, or a node ID, expected", function() a:withdraw "key" end)
  end)
end)

describe("a node that holds a copy", function()
  it("removes it for its owner only, and only that version or an older one", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local version = assert(a:store("key", "content")).version
    local question = { namespace = inside.of(a).namespace, key_hash = a:key_hash "key", version = version }
    local stranger <close> = strangers.meet(b)
    assert.same({ "denied", "only its owner may have it removed" }, { stranger:refusal("drop", question) })
    local owner = inside.of(a).peer_list:get(b.id)
    question.version = version - 1
    refused("exists", owner:request("drop", question))
    question.version = -1
    refused("protocol", owner:request("drop", question))
    question.version, question.key_hash = version, ("x"):rep(32)
    refused("not_found", owner:request("drop", question))
    question.key_hash = "short"
    refused("protocol", owner:request("drop", question))
    assert.is_true(has_file(a, b, "key"))
    local tombstone = assert(a:delete "key").version
    question.key_hash, question.version = a:key_hash "key", tombstone
    refused("exists", owner:request("drop", question))
    assert.is_true(has_file(a, b, "key"))
  end)

  it("tells the owner nothing of its disk when it cannot remove it", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local disk = inside.of(b).disk
    inside.of(b).serve.removal = require "filo.copies.removal" {
      names = inside.of(b).names, trash = inside.of(b).trash,
      disk = setmetatable({ remove = function() return nil, filo.error("io", "cannot remove /secret/place") end }, { __index = disk }),
    }
    local why = refused("io", a:withdraw("key", b.id))
    assert.matches("it could not be removed", why)
    assert.is_nil(why:find "secret")
    assert.truthy(net:logged "^b warning: .*cannot remove /secret/place")
  end)
end)
