---Versions that a policy has kept: here and at all who hold the object.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

local policy = filo.policy

local BIG = (2 << 20) + 5

local function here(text) return "^spec/node/versions_spec.lua:%d+: " .. text end

---Runs a test on real nodes and on simulated ones.
local function on_both(name, test)
  it(name, function()
    local net <close> = nodes.net()
    test(net, BIG)
  end)
  it(name .. ": simulated", simulated(function(net) test(net, 20000) end))
end

local function keeping(count, given)
  local options = { policy = policy.with({ keep_versions = count }, policy.everywhere) }
  for name, value in pairs(given or {}) do options[name] = value end
  return options
end

---All of a version's content.
local function read(node, key, version)
  local object <close>, err = node:get(key, { version = version })
  if not object then return nil, err end
  assert.equal(version, object.version)
  return object:read "a"
end

---Stores so many versions; gives their numbers.
local function store_many(node, key, count, size)
  local numbers = {}
  for i = 1, count do numbers[i] = assert(node:store(key, nodes.bytes(size, i))).version end
  return numbers
end

---Waits until a node knows what the writer of a namespace wants.
local function wait_for_policy(owner, node)
  nodes.wait(function() return inside.of(node).kept:keeps(inside.of(owner).namespace, 0) end, "policy")
end

describe("node:versions", function()
  on_both("lists what is kept, the newest first, here and at who holds the object by the owner's policy", function(net, size)
    local a, b = net:cluster(2, nil, { a = keeping(2) })
    if not net.world then wait_for_policy(a, b) end
    local numbers = store_many(a, "key", 4, size)
    local list = assert(a:versions "key")
    assert.equal(2, #list)
    for i, version in ipairs { numbers[3], numbers[2] } do
      assert.same({ version, size, true, version // 1000000 }, { list[i].version, list[i].size, list[i].here, list[i].time })
      assert.equal(a.id, list[i].nodes[1])
      assert.equal(nodes.bytes(size, 4 - i), read(a, "key", version))
    end
    if not net.world then assert.same({ a.id, b.id }, list[1].nodes) end
    refused("not_found", a:get("key", { version = numbers[1] }))
    assert.equal(nodes.bytes(size, 4), read(a, "key", numbers[4]))
    assert.equal(nodes.bytes(size, 4), nodes.content(a, "key"))
    assert.same({}, a:store("other", "x") and a:versions "other")
    refused("not_found", a:versions "nothing")
  end)

  it("gives what only peers keep, which does not come to lie here", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, keeping(3))
    wait_for_policy(a, b)
    for _, size in ipairs { 0, 100, BIG } do
      local key = "key " .. size
      local numbers = store_many(a, key, 3, size)
      assert(a:evict(key))
      os.execute("rm -r " .. a.root .. "/versions/*")
      local list = assert(a:versions(key))
      assert.same({ numbers[2], numbers[1] }, { list[1].version, list[2].version })
      assert.same({ { b.id }, false }, { list[1].nodes, list[1].here })
      for i = 1, 2 do assert.equal(nodes.bytes(size, i), read(a, key, numbers[i])) end
      assert.equal("peers", a:stat(key).from)
      local file <close> = assert(io.tmpfile())
      assert.equal(numbers[1], assert(a:fetch(key, { version = numbers[1], to = file })).version)
      file:seek "set"
      assert.equal(nodes.bytes(size, 1), file:read "a")
      assert.equal("peers", a:stat(key).from)
      assert.equal(nodes.bytes(size, 3), nodes.content(a, key))
    end
  end)

  on_both("has nothing of what was deleted, also where that lies in the trash", function(net)
    local a, b = net:cluster(2, keeping(3, { trash = { deletes = true } }))
    local numbers = store_many(a, "key", 3, 100)
    assert(a:delete "key")
    refused("not_found", a:versions "key")
    refused("not_found", a:get("key", { version = numbers[2] }))
    assert.equal(0, (inside.of(b).disk:old_usage "versions"))
    assert.equal(3, (inside.of(a).disk:old_usage "trash"))
    assert(a:undelete "key")
    assert.equal(nodes.bytes(100, 3), nodes.content(a, "key"))
    assert.same({}, a:versions "key")
  end)

  on_both("has no amended ones, nor those that other keys made", function(net)
    local a = net:start("a", keeping(5))
    assert(nodes.stored(a:store("key", "content")))
    assert(a:amend("key", { class = 7 }))
    assert(a:rotate())
    assert.same({}, a:versions "key")
    assert(a:store("key", "other"))
    assert.equal(1, #a:versions "key")
    assert.equal("content", read(a, "key", a:versions("key")[1].version))
  end)

  it("keeps by class, and as many as the policy says by now", function()
    local net <close> = nodes.net()
    local function classes(count)
      return policy.classify { [1] = policy.with({ keep_versions = count }, policy.copies(1)), default = policy.copies(1) }
    end
    local a = net:start("a", { policy = classes(4) })
    for i = 1, 4 do
      assert(a:store("kept", "x" .. i, { class = 1 }))
      assert(a:store("not kept", "x" .. i))
    end
    assert.same({ 3, 0 }, { #a:versions "kept", #a:versions "not kept" })
    a:configure { root = a.root, policy = classes(1), cluster = nodes.SECRET }
    local disk = inside.of(a).disk -- listing them opens them, and what is open stays
    nodes.wait(function() return (disk:old_usage "versions") == 1 end, "end of what is too many")
    assert.equal(1, #a:versions "kept")
  end)

  it("says that a peer lies, and lists what others have", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, keeping(3))
    wait_for_policy(a, b)
    store_many(a, "key", 3, 100)
    assert(a:store("other", "content"))
    local record = select(2, assert(inside.of(a).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "other"))))
    inside.of(b).peer_list:handle("versions", function() return { records = { record } } end)
    assert.equal(2, #a:versions "key")
    net:expect "tells of a bad old version"
  end)

  it("takes misuse for an error", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    raises(here "get: option 'version' goes without", function() a:get("key", { version = 1, newest = true }) end)
    raises(here "fetch: option 'version' goes with 'to'", function() a:fetch("key", { version = 1 }) end)
    raises(here "a key must be a string", function() a:versions() end)
  end)
end)

describe("old versions", function()
  it("count for the quota of their owner, and go before anything of his is refused", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, nil, { a = keeping(100), b = { quota = { owner = "60 KiB" } } })
    wait_for_policy(a, b)
    for i = 1, 12 do assert.equal(2, #assert(nodes.stored(a:store("key", nodes.bytes(8192, i)))).copies) end
    local usage = b:usage()[1]
    assert.equal(a:namespace().id, usage.owner)
    assert.is_true(usage.versions >= 2 and usage.versions <= 4, tostring(usage.versions))
    assert.equal(8192 * usage.versions, usage.version_bytes)
    assert.equal((8192 + 4096) * (1 + usage.versions), usage.counted)
    assert.is_true(usage.counted <= 60 << 10)
    assert.equal(11, a:usage()[1].versions)
    local _, err = a:store("large", nodes.bytes(57000))
    local receipt = err.receipt
    assert.equal(1, #receipt.copies)
    assert.matches("refused: it keeps 60.0 KiB for this owner at most", receipt.refused[1].reason)
    assert.is_nil(b:usage()[1].versions)
  end)

  it("are dropped with all else of an owner", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, nil, { a = keeping(3) })
    wait_for_policy(a, b)
    store_many(a, "key", 3, 100)
    assert.equal(2, b:usage()[1].versions)
    assert(require("filo.command.control.methods").drop_owner(b, { owner = a:namespace().id, force = true }))
    assert.same({}, b:usage())
    assert.equal(1, #a:versions("key")[1].nodes)
  end)
end)
