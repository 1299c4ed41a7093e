---With which generation of its keys a namespace is written: nodes learn of a new one before they write with an old one, and what two of
---them do at once is no conflict.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

local function fields_at(node, owner, key)
  return (inside.of(node).disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash(key))))
end

local function wait_for_generation(space, number)
  nodes.wait(function() return inside.of(space).generation.number == number end, "generation " .. number)
end

local function keys_of(space)
  local list = {}
  for item in space:keys() do list[#list + 1] = item.key end
  return list
end

---Two nodes that write the namespace of the first, in "anna" of the second.
local function writers(net, given)
  local a, b = net:cluster(2, given)
  return a, b, assert(b:accept(a:share(nil, { write = true }), "anna"))
end

describe("the generation of a namespace", function()
  it("is followed at once by all that write it", function()
    local net <close> = nodes.net()
    local a, b, family = writers(net)
    assert(a:rotate())
    wait_for_generation(family, 1)
    assert(family:store("of b", "content"))
    assert.equal(1, fields_at(b, a, "of b").generation)
    assert(family:rotate())
    wait_for_generation(a, 2)
    assert(a:store("of a", "content"))
    assert.equal(2, fields_at(a, a, "of a").generation)
  end)

  it("is known to a new root of its owner before it writes, from who holds copies only", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:rotate())
    local identity = net.folder:write("kept", net.folder:read "a/identity")
    assert(os.execute("chmod 600 " .. identity))
    net:stop "a"
    local again = net:start("again", { identity = identity, create = true, bootstrap = { b.address } })
    again:ready()
    assert(again:store("later", "content"))
    assert.equal(1, fields_at(again, again, "later").generation)
    assert.equal("content", nodes.content(again, "key"))
    again = net:restart("again", { bootstrap = {} })
    nodes.stored(again:store("last", "content"))
    assert.equal(1, fields_at(again, again, "last").generation)
  end)

  it("is told by what lies in the root, where the note of it was lost", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    assert(a:rotate())
    net:stop "a"
    assert(os.execute(("rm -r '%s/generations'"):format(a.root)))
    a = net:restart "a"
    wait_for_generation(a, 1)
    assert(a:store("later", "content"))
    assert.equal(1, fields_at(a, a, "later").generation)
  end)

  it("is given to what a node writes that had not heard of it", function()
    local net <close> = nodes.net()
    local a, _, family = writers(net)
    assert(family:store("key", "one"))
    net:stop "b"
    assert(a:rotate())
    local b = net:apart "b"
    family = b:namespace "anna"
    assert(family:store("key", "two"))
    assert(family:store("other", "content"))
    assert.equal(0, fields_at(b, a, "other").generation)
    nodes.wait(function() return a:connect(b.address) end, "connection")
    for _, key in ipairs { "key", "other" } do
      nodes.wait(function() return fields_at(b, a, key).generation == 1 end, "generation of " .. key)
    end
    local object <close> = assert(a:get("key", { newest = true }))
    assert.equal("two", object:read "a")
    for item in a:keys() do assert.is_nil(item.conflict) end
  end)
end)

describe("what is written with old keys", function()
  it("gets new ones in a while, where it comes to a holder that is connected all the time", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    assert(a:store("key", "one"))
    assert(a:rotate())
    local parts = inside.of(a)
    for i, size in ipairs { 10, 5000 } do -- as by a node of the same owner that had heard of nothing
      local key = "old " .. i
      parts.generation.number = 0
      assert(a:store(key, ("x"):rep(size)))
      parts.generation.number = 1
    end
    host.sleep(150)
    for i = 1, 2 do
      for _, node in ipairs { a, b, c } do assert.equal(1, fields_at(node, a, "old " .. i).generation) end
    end
    assert.equal(("x"):rep(5000), nodes.content(a, "old 2"))
  end))
end)

describe("what is rewrapped at two nodes at once", function()
  it("is no conflict, and comes to be of one generation", function()
    local net <close> = nodes.net()
    local a, b, family = writers(net)
    local keys = {}
    for i = 1, 50 do
      keys[i] = ("key %02d"):format(i)
      assert(a:store(keys[i], "content " .. i))
    end
    filo.all { function() assert(a:rotate()) end, function() assert(family:rotate()) end }
    local number = math.max(a:rotation().generation, family:rotation().generation)
    for _, key in ipairs(keys) do
      nodes.wait(function()
        return fields_at(a, a, key).generation == number and fields_at(b, a, key).generation == number
      end, "generation of " .. key)
    end
    assert.same(keys, keys_of(a))
    for i, key in ipairs(keys) do assert.equal("content " .. i, nodes.content(a, key)) end
    assert.is_nil(net:logged "at two nodes at once")
  end)

  it("gives way to what was written there meanwhile by who knew what it wraps", function()
    local net <close> = nodes.net()
    local a, _, family = writers(net)
    assert(a:store("key", "one"))
    assert(family:get("key", { newest = true })):close()
    net:stop "b"
    assert(a:rotate())
    local b = net:apart "b"
    family = b:namespace "anna"
    inside.of(family).versions.host = setmetatable({ time = function() return 1000000 end }, { __index = inside.of(b).host }) -- late
    local wraps = fields_at(a, a, "key").version
    assert(family:store("key", "two"))
    assert.is_true(fields_at(b, a, "key").version > wraps)
    nodes.wait(function() return a:connect(b.address) end, "connection")
    nodes.wait(function() return fields_at(b, a, "key").generation == 1 end, "generation")
    local object <close> = assert(a:get("key", { newest = true }))
    assert.equal("two", object:read "a")
    assert.same({ "key" }, keys_of(a))
    assert.is_nil(net:logged "at two nodes at once")
  end)

  it("keeps what its own writer had written meanwhile, of which it knew nothing", function()
    local net <close> = nodes.net()
    local a, b, family = writers(net)
    assert(a:store("key", "one"))
    net:stop "b"
    local record = select(2, inside.of(a).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")))
    nodes.stored(a:store("key", "two"))
    local names = inside.of(a).names
    local wrapped = assert(names:rewrap(record)) -- as another node might have, later than its writer's clock
    local meta = select(2, names:unseal(wrapped))
    local fields = inside.of(a).host.store.peek(wrapped)
    fields.version = fields_at(a, a, "key").version + 1024
    local later = assert(inside.of(a).host.store.reseal(inside.of(a).keys, wrapped, {
      key_hash = fields.key_hash, version = fields.version, generation = 1, class = 0, meta = inside.of(a).host.encode(meta),
    }))
    assert(inside.of(a).conflicts:before(inside.of(a).host.store.peek(later), later, a:path_of(a:key_hash "key")))
    local keys = keys_of(a)
    assert.equal(2, #keys)
    assert.matches("^key %(conflict ", keys[2])
    assert.equal("two", nodes.content(a, keys[2]))
    assert.is_truthy(b and family)
  end)
end)
