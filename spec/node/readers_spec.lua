---Readers: who was given what is noted, without secrets, and one of them can be shut out while the others go on.

local inside = require "filo.base.inside"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"

local function content(namespace, key)
  local object <close>, err = namespace:get(key, { newest = true })
  return object and object:read "a" or nil, err
end

local function names_of(list)
  local names = {}
  for i, each in ipairs(list) do names[i] = ("%s %s %s %d"):format(each.reader, each.access, each.key or "-", each.generation) end
  return names
end

describe("readers", function()
  it("are listed with what they were given, once for each thing, also after a restart", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert.same({}, assert(a:readers()))
    local one = assert(a:share("key\n\xff", { reader = "bob" }))
    assert.equal(one, a:share("key\n\xff", { reader = "bob" }))
    assert(a:share(nil, { reader = "bob" }))
    assert(a:share(nil, { reader = "anna" }))
    assert(a:share(nil, { write = true, reader = "carol" }))
    assert(a:share())
    local expected = { "anna read - 0", "bob read - 0", "bob read-one key\n\xff 0", "carol write - 0" }
    assert.same(expected, names_of(a:readers()))
    a = net:restart "a"
    assert.same(expected, names_of(a:readers()))
    assert.is_true(math.abs(a:readers()[1].time - os.time()) < 60)
    refused("invalid", a:share(nil, { reader = "../bob" }))
    refused("invalid", a:share(nil, { reader = "" }))
    assert.same(expected, names_of(a:readers()))
  end)

  it("are noted without secrets, in files of the node's user alone", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local line = assert(a:share("key", { reader = "bob" }))
    local folder, count = a.root .. "/readers", 0
    assert.equal("rwx------", lfs.attributes(folder, "permissions"))
    for name in lfs.dir(folder) do
      if not name:find "^%." then
        count = count + 1
        assert.equal("rw-------", lfs.attributes(folder .. "/" .. name, "permissions"))
        local text = net.folder:read("a/readers/" .. name)
        assert.matches("^filo reader v1\nnamespace %x+\nreader bob\naccess read%-one\nkey 6b6579\ngeneration 0\ntime %d+\n$", text)
        assert.is_nil(text:find(line:match "%.(.*)$", 1, true))
      end
    end
    assert.equal(1, count)
  end)

  it("are forgotten one by one: he reads nothing that comes, and each other has a new capability", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", "one"))
    local bob = assert(b:accept(a:share(nil, { reader = "bob" })))
    local anna = assert(c:accept(a:share("key", { reader = "anna" })))
    assert.same({ "one", "one" }, { content(bob, "key"), (content(anna, "key")) })
    local done = assert(a:forget_reader "bob")
    assert.same({ 1, 0 }, { done.rotation.generation, done.rotation.left })
    assert.same({ "anna read-one key 1" }, names_of(done.readers))
    assert.same({ "anna read-one key 1" }, names_of(a:readers()))
    assert(a:store("key", "two"))
    assert.matches("share it anew", refused("denied", bob:get("key", { newest = true })))
    assert.matches("share it anew", refused("denied", anna:get("key", { newest = true })))
    anna = assert(c:accept(done.readers[1].capability))
    assert.equal("two", content(anna, "key"))
    assert.matches("nothing is noted of a reader 'bob'", refused("not_found", a:forget_reader "bob"))
    assert.equal(1, a:rotation().generation)
  end)

  it("who were given the keys to write cannot be shut out, which is said before anything is done", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:share(nil, { write = true, reader = "carol" }))
    assert(a:share(nil, { reader = "bob" }))
    assert.matches("makes all later ones", refused("denied", a:forget_reader "carol"))
    assert.equal(0, a:rotation().generation)
    local done = assert(a:forget_reader "bob")
    assert.is_nil(done.readers[1].capability)
    assert.same({ "carol write - 0" }, names_of(a:readers()))
  end)

  it("of a namespace that was given are its own matter", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local family = assert(b:accept(a:share(nil, { write = true }), "family"))
    assert(family:share(nil, { reader = "bob" }))
    assert(b:share(nil, { reader = "anna" }))
    assert.same({ "bob read - 0" }, names_of(family:readers()))
    assert.same({ "anna read - 0" }, names_of(b:readers()))
    assert.same({}, names_of(a:readers()))
    refused("not_found", family:forget_reader "anna")
    assert.equal(1, assert(family:forget_reader "bob").rotation.generation)
    nodes.wait(function() return a:rotation().generation == 1 end, "generation")
  end)

  it("stay as they are when the next keys cannot be noted", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:share(nil, { reader = "bob" }))
    assert(os.execute(("rm -rf '%s/generations' && touch '%s/generations'"):format(a.root, a.root)))
    assert.matches("the next keys cannot be noted", tostring(select(2, a:forget_reader "bob")))
    assert.same({ "bob read - 0" }, names_of(a:readers()))
    assert.equal(0, a:rotation().generation)
  end)

  it("who are shut out one right after the other read nothing at peers either", function()
    local net <close> = nodes.net()
    local k = net:start "k"
    local a = net:start("a", { bootstrap = { k.address } })
    nodes.peers(k, 1)
    for i = 1, 60 do assert(a:store("key " .. i, "content")) end
    for _, name in ipairs { "anna", "bob" } do assert(a:share(nil, { reader = name })) end
    local accepted, done = 0, nodes.events(k, "accepted")
    assert(a:forget_reader("anna", { wait = false }))
    while accepted < 60 do
      done()
      accepted = accepted + 1
    end
    assert(a:forget_reader("bob", { wait = false }))
    nodes.wait(function()
      local rotation = a:rotation()
      return rotation.left == 0 and rotation.peers == 0
    end, "rotation", 30)
    for i = 1, 60 do
      local fields = inside.of(k).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash("key " .. i)))
      assert.equal(2, fields.generation)
    end
  end)
end)
