---Class and fields: given with an object, and changed without its content.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"

local MIB = 1 << 20

---Bytes that a node has sent to its peers.
local function sent(node)
  local bytes = 0
  for _, face in ipairs(node:peers()) do bytes = bytes + inside.of(face).connection:stats().bytes_out end
  return bytes
end

---What a node says of the version of an object that it holds for others.
local function held(node, owner, key)
  local parts = inside.of(node)
  return parts.disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash(key)))
end

local function keys_item(node, key)
  local next_item = node:keys(key)
  return next_item()
end

describe("an object's class", function()
  it("is given with it, and every holder, policy and hook sees it", function()
    local net <close> = nodes.net()
    local placed, offered = {}, {}
    local a, b = net:cluster(2, nil, {
      a = { policy = { name = "a test", place = function(object, peers)
        return object.class == 0 and {} or peers
      end } },
      b = { policy = { name = "a test", accept = function(offer) return offer.class ~= 13, "not that class" end } },
    })
    b:on("accepted", function(offer) offered[#offered + 1] = offer.class end)
    placed[1] = #assert(a:store("none", "x")).copies
    placed[2] = #assert(a:store("some", "x", { class = 7 })).copies
    assert.same({ 1, 2 }, placed)
    assert.equal(7, held(b, a, "some").class)
    assert.same({ 7, 7, 0 }, { a:stat("some").class, keys_item(a, "some").class, a:stat("none").class })
    assert.matches("not that class", refused("not_enough_copies", a:store("refused", "x", { class = 13 })))
    net:stop "b"
    assert.same({ 7 }, offered)
  end)

  it("stays until another is given", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "one", { class = 255 }))
    assert(a:store("key", "two"))
    assert.equal(255, a:stat("key").class)
    assert(a:store("key", "three", { class = 0 }))
    assert.equal(0, a:stat("key").class)
  end)

  it("is a number from 0 to 255", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, class in ipairs { -1, 256, 1.5, "1" } do
      assert.has_error(function() a:store("key", "x", { class = class }) end)
      assert.has_error(function() a:amend("key", { class = class }) end)
    end
    assert.is_false(a:has "key")
  end)
end)

describe("an object is amended", function()
  it("with its content as it was, and other fields or another class, in a later version", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i, size in ipairs { 0, 100, 3 * MIB } do
      local key, content = "key " .. i, nodes.bytes(size, i)
      local first = assert(a:store(key, content, { fields = { colour = "red" }, class = 1 }))
      local second = assert(a:amend(key, { fields = { colour = "green" } }))
      assert.is_true(second.version > first.version)
      assert.equal(2, #second.copies)
      assert.same({ "green", 1 }, { a:stat(key).fields.colour, a:stat(key).class })
      assert(a:amend(key, { class = 2 }))
      assert.same({ "green", 2 }, { a:stat(key).fields.colour, a:stat(key).class })
      assert.equal(content, nodes.content(a, key))
      assert.same({ 2, a:stat(key).version }, { held(b, a, key).class, held(b, a, key).version })
      nodes.drop(a, key)
      assert.equal(content, nodes.content(a, key))
    end
  end)

  it("and peers that have its content are not sent it again, however large it is", function()
    local net <close> = nodes.net()
    local a = net:cluster(3)
    local path = net.folder:file "large"
    assert(os.execute(("head -c %d /dev/urandom > '%s'"):format(64 * MIB, path)))
    assert(a:store("large", filo.file(path)))
    assert(a:store("small", nodes.bytes(60000, 2)))
    local before = sent(a)
    assert.is_true(before > 128 * MIB)
    assert.equal(3, #assert(a:amend("large", { class = 1 })).copies)
    assert.equal(3, #assert(a:amend("small", { fields = { x = 1 } })).copies)
    assert.is_true(sent(a) - before < 65536, sent(a) - before .. " bytes were sent")
  end)

  it("and what a peer lacks, or has a bad copy of, is sent", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for i, size in ipairs { 100, 3 * MIB } do
      local key, content = "key " .. i, nodes.bytes(size, i)
      assert(a:store(key, content))
      assert(inside.of(b).disk:remove(inside.of(a).namespace, a:path_of(a:key_hash(key))))
      nodes.flip(nodes.place(a, c, key), size) -- in the list of hashes
      assert.equal(3, #assert(a:amend(key, { class = 9 })).copies)
      for _, peer in ipairs { b, c } do
        local parts = inside.of(peer)
        assert(parts.verifier:check(inside.of(a).namespace, a:path_of(a:key_hash(key))))
        assert.equal(9, held(peer, a, key).class)
      end
    end
  end)

  it("where it is here and can be written", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local reader = assert(b:accept(a:share(), "anna"))
    assert.equal("content", nodes.content(reader, "key"))
    nodes.kept(reader, "key")
    assert.matches("'key' cannot be changed: .*can be read here, not written", refused("denied", reader:amend("key", { class = 1 })))
    nodes.drop(a, "key")
    assert.matches("is not here.*fetch it first", refused("not_found", a:amend("key", { class = 1 })))
    assert.matches("is not here", refused("not_found", a:amend("none", { class = 1 })))
    assert(a:delete "key")
    refused("not_found", a:amend("key", { class = 1 }))
    assert.has_error(function() a:amend("key", {}) end, "amend: say what changes: option 'fields' or 'class'")
  end)

  it("only as long as it is the newest that there is", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local writer = assert(b:accept(a:share(nil, { write = true }), "anna"))
    assert(a:store("key", "one"))
    assert(writer:get("key", { newest = true })):close()
    assert(writer:store("key", "two", { to = {} }))
    assert.matches("'key' has a newer version at a peer: get that first", refused("exists", a:amend("key", { class = 1 })))
    assert(a:get("key", { newest = true })):close()
    nodes.kept(a, "key")
    assert(a:amend("key", { class = 1 }))
    assert.same({ "two", 1 }, { nodes.content(a, "key"), a:stat("key").class })
  end)

  it("and gives way to what was stored later, of which a root that was restored from a backup knows nothing", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "one"))
    net:stop "a"
    assert(os.execute(("cp -a '%s' '%s.backup'"):format(net.options.a.root, net.options.a.root)))
    a = net:restart "a"
    a:ready()
    assert(a:store("key", "two"))
    net:stop "a"
    assert(os.execute(("rm -rf '%s' && mv '%s.backup' '%s'"):format(net.options.a.root, net.options.a.root, net.options.a.root)))
    a = net:restart "a"
    a:ready()
    assert.equal("one", nodes.content(a, "key"))
    assert.matches("'key' has a newer version", refused("exists", a:amend("key", { class = 1 })))
    local object <close> = assert(a:get("key", { newest = true }))
    assert.equal("two", object:read "a")
    assert.equal(0, held(b, a, "key").class)
  end)

  it("through a full disk: what was there stays", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    a = net:restart("a", { reserve = 1 << 60 })
    assert.matches("'key' cannot be changed", refused("no_space", a:amend("key", { class = 1 })))
    assert.same({ "content", 0 }, { nodes.content(a, "key"), a:stat("key").class })
  end)
end)
