---The trash of a node: what it dropped, and with an option what was deleted, comes back; and what must not, does not.

local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local policy = require("filo").policy
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

local BIG = (2 << 20) + 5
local function here(text) return "^spec/node/undelete_spec.lua:%d+: " .. text end

local KEEPS = { trash = { deletes = true } }

---Runs a test on real nodes and on simulated ones.
local function on_both(name, test)
  it(name, function()
    local net <close> = nodes.net()
    test(net, BIG)
  end)
  it(name .. ": simulated", simulated(function(net) test(net, 20000) end))
end

---What lies in the trash of a node, by key.
local function in_trash(node)
  local found, count = {}, 0
  for copy in node:trash() do
    found[copy.key or copy.owner], count = copy, count + 1
  end
  return found, count
end

---A node alone needs no copies elsewhere.
local function alone(net, given)
  local options = { policy = policy.copies(1) }
  for name, value in pairs(given or {}) do options[name] = value end
  return net:start("a", options)
end

describe("node:undelete", function()
  on_both("brings back what was evicted, although nobody else has it any more", function(net, size)
    local a, b = net:cluster(2, { policy = policy.copies(1) })
    local content = nodes.bytes(size)
    assert(a:store("key", content, { to = b.id }))
    local version = a:stat("key").version
    assert(a:evict "key")
    local copy = in_trash(a).key
    assert.same({ "dropped", version, size, a:namespace().id }, { copy.why, copy.version, copy.size, copy.owner })
    nodes.drop_at(a, b, "key")
    local receipt = assert(a:undelete "key")
    assert.same({ "key", version, { a.id } }, { receipt.key, receipt.version, receipt.copies })
    assert.equal("here", a:stat("key").from)
    assert.equal(content, nodes.content(a, "key"))
    assert.same({}, (in_trash(a)))
    assert.same({ "key" }, { a:keys()().key })
  end)

  on_both("has what was dropped twice once", function(net)
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    for _ = 1, 2 do
      assert(a:fetch "key")
      assert(a:evict "key")
    end
    assert.equal(1, select(2, in_trash(a)))
    assert(a:undelete "key")
    assert.equal("here", a:stat("key").from)
    assert.is_truthy(b)
  end)

  on_both("has nothing of what users delete", function(net)
    local a = alone(net)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    assert.same({}, (in_trash(a)))
    assert.matches("'key' is not in the trash", refused("not_found", a:undelete "key"))
    nodes.check_deleted(a, "key")
  end)

  on_both("makes a new version of what was deleted, where that is kept: everywhere", function(net, size)
    local a, b = net:cluster(2, nil, { a = KEEPS })
    local content = nodes.bytes(size)
    assert(a:store("key", content, { fields = { color = "red" }, class = 9 }))
    local before = a:stat "key"
    local deleted = assert(a:delete "key")
    assert.equal("deleted", in_trash(a).key.why)
    assert.same({}, (in_trash(b)))
    local receipt = assert(a:undelete "key")
    assert.is_true(receipt.version > deleted.version)
    assert.same({ a.id, b.id }, receipt.copies)
    local after = a:stat "key"
    assert.same({ before.fields, 9, before.modified }, { after.fields, after.class, after.modified })
    assert.equal(content, nodes.content(a, "key"))
    assert(a:evict "key")
    assert.equal(content, nodes.content(a, "key"))
    assert.equal(0, select(2, in_trash(b)))
  end)

  on_both("tells the hook `stored` of what was deleted and is there again", function(net)
    local a = alone(net, KEEPS)
    local told = {}
    assert(a:store("key", "content"))
    assert(a:delete "key")
    a:on("stored", function(object) told[#told + 1] = object.key end)
    assert(a:undelete "key")
    assert.same({ "key" }, told)
    local remove = a:on("before_store", function() return false, "not now" end)
    assert(a:delete "key")
    refused("denied", a:undelete "key")
    remove()
    assert.equal("deleted", in_trash(a).key.why)
    assert(a:undelete "key")
  end)

  on_both("puts nothing in the place of what is newer", function(net)
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    assert(a:evict "key")
    assert(a:store("key", "new"))
    assert.matches("is here", refused("exists", a:undelete "key"))
    assert.equal("new", nodes.content(a, "key"))
    assert.equal("new", nodes.content(a, "key"))
    assert.is_truthy(b)
  end)

  on_both("brings nothing back that was deleted after it was evicted", function(net)
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:evict "key")
    assert(a:delete "key")
    refused("not_found", a:undelete "key")
    nodes.check_deleted(a, "key")
    assert.same({}, (in_trash(b)))
  end)

  on_both("is no way around a deletion at another machine of the same user", function(net)
    local a = alone(net, KEEPS)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    -- What lies in the trash is served to nobody, and counts for nothing.
    refused("not_found", a:get "key")
    assert.same({ 0, 0 }, { #a:usage() > 0 and a:usage()[1].objects or 0, #a:usage() > 0 and a:usage()[1].bytes or 0 })
    nodes.check_deleted(a, "key")
    assert.is_nil(a:keys()())
  end)

  on_both("says that what is in the trash is bad, and leaves it there", function(net)
    local a = alone(net, KEEPS)
    assert(a:store("key", nodes.bytes(100)))
    assert(a:delete "key")
    local disk = inside.of(a).disk
    if net.world then
      net:machine("a").disk.old[1].file.chunks = { ("x"):rep(100) }
    else
      local copy = in_trash(a).key
      local pipe <close> = io.popen(("ls %s/trash/%02x/*"):format(a.root, copy.key_hash:byte()))
      nodes.flip(pipe:read "l", 5)
    end
    assert.matches("bad", refused("corrupt", a:undelete "key"))
    assert.equal(1, (disk:old_usage "trash"))
    nodes.check_deleted(a, "key")
  end)

  on_both("goes on after a restart", function(net)
    local a = alone(net, KEEPS)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    a = net:restart "a"
    assert(a:undelete "key")
    assert.equal("content", nodes.content(a, "key"))
  end)

  it("takes misuse for an error at its caller's line", function()
    local net <close> = nodes.net()
    local a = alone(net)
    for _, what in ipairs { {}, { owner = "x" }, { owner = a.id, key_hash = "short", version = 1 } } do
      raises(here "undelete: a key expected, or a copy as node:trash", function() a:undelete(what) end)
    end
    raises(here "undelete: a key expected", function() a:undelete(5) end)
    for _, option in ipairs { true, { hours = 0 }, { hours = 0 / 0 }, { deletes = "x" }, { days = 1 } } do
      raises("trash", function() net:start("x", { trash = option }) end)
    end
  end)
end)

describe("what is kept for others", function()
  on_both("can be brought back once it was dropped, at their owner's wish or at that of this node", function(net)
    local a, b = net:cluster(2)
    assert(a:store("mine", "content"))
    assert(a:withdraw("mine", b.id))
    local found, count = in_trash(b)
    local copy = found[a:namespace().id]
    assert.equal(1, count)
    assert.is_nil(copy.key)
    assert.is_true(b:undelete(copy))
    assert.is_nil(b:trash()())
    assert.equal(a:stat("mine").version, a:copies("mine")[2].version)
    assert(b:drop(b:held()()))
    assert.is_nil(b:held()())
    assert.is_true(b:undelete(b:trash()()))
    assert.equal(copy.version, b:held()().version)
    refused("not_found", b:undelete(copy))
  end)

  on_both("does not come back once its owner has deleted it", function(net)
    local a, b = net:cluster(2, KEEPS)
    assert(a:store("key", "content"))
    assert(a:withdraw("key", b.id))
    local copy = b:trash()()
    assert(a:delete "key")
    assert.is_nil(b:trash()())
    refused("not_found", b:undelete(copy))
  end)
end)

describe("the option trash", function()
  on_both("may keep nothing", function(net)
    local a, b = net:cluster(2, { trash = false })
    assert(a:store("key", "content"))
    assert(a:evict "key")
    assert(a:withdraw("key", b.id) == nil)
    assert.is_nil(a:trash()())
    refused("not_found", a:undelete "key")
  end)

  on_both("holds at once", function(net)
    local a = alone(net)
    local options = { root = a.root, policy = policy.copies(1) }
    assert(a:store("key", "content"))
    options.trash = { deletes = true }
    a:configure(options)
    assert(a:delete "key")
    assert(a:undelete "key")
    options.trash = nil
    a:configure(options)
    assert(a:delete "key")
    refused("not_found", a:undelete "key")
  end)

  it("says for how many hours, also of what lay there before the node was started", simulated(function(net, host)
    local a, b = net:cluster(2, { trash = { hours = 3 } })
    assert(a:store("one", "content"))
    assert(a:store("two", "content"))
    assert(a:evict "one")
    assert(b)
    host.sleep(2 * 3600)
    assert(a:evict "two")
    a = net:restart "a"
    host.sleep(60)
    assert.equal(2, select(2, in_trash(a)))
    host.sleep(3700)
    assert.is_truthy(in_trash(a).two and not in_trash(a).one)
    net:stop "a"
    host.sleep(3 * 3600)
    a = net:restart "a"
    host.sleep(60)
    assert.is_nil(a:trash()())
  end))

  on_both("is for what is not emptied before", function(net)
    local a = alone(net, KEEPS)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    assert.is_true(a:empty_trash())
    assert.is_nil(a:trash()())
    refused("not_found", a:undelete "key")
  end)
end)
