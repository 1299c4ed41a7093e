---Rotating: the keys of a namespace are changed, and who was given access before reads nothing of what comes then.

local filo = require "filo"
local inside = require "filo.base.inside"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local strangers = require "spec.support.stranger"

local MIB = 1 << 20

local function fields_at(node, owner, key)
  local parts = inside.of(node)
  local fields = parts.disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash(key)))
  return fields
end

---Waits until a node has a copy of a generation.
local function wait_for_generation(node, owner, key, generation)
  nodes.wait(function()
    local fields = fields_at(node, owner, key)
    return fields and fields.generation == generation
  end, "generation " .. generation)
end

local function sent(node)
  local bytes = 0
  for _, face in ipairs(node:peers()) do bytes = bytes + inside.of(face).connection:stats().bytes_out end
  return bytes
end

---What a namespace says of a key: its content, or the sentence of an error.
local function content(namespace, key)
  local object <close>, err = namespace:get(key, { newest = true })
  return object and object:read "a" or nil, err
end

local function keys_of(node)
  local list = {}
  for item in node:keys() do list[#list + 1] = item.key end
  return list
end

describe("a rotation", function()
  it("shuts out who was given access before, until he is given it anew; the content stays, and is not sent", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    local large = nodes.bytes(8 * MIB)
    assert(a:store("small", "content", { fields = { colour = "red" }, class = 3 }))
    assert(a:store("empty", ""))
    assert(a:store("plain", "public", { encrypt = false }))
    assert(a:store("large", large))
    local reader = assert(c:accept(a:share(), "anna"))
    local one = assert(b:accept(a:share "small", "anna"))
    assert.equal("content", content(reader, "small"))
    assert.equal("content", content(one, "small"))
    local before, modified = sent(a), a:stat("large").modified

    local done = assert(a:rotate())
    assert.same({ generation = 1, left = 0, total = 4, peers = 0 }, done)
    assert.is_true(sent(a) - before < 65536, sent(a) - before .. " bytes were sent")
    for _, key in ipairs { "small", "empty", "plain", "large" } do
      for _, node in ipairs { a, b, c } do assert.equal(1, fields_at(node, a, key).generation) end
      assert(a:verify(key))
    end
    assert.same({ large, modified }, { content(a, "large"), a:stat("large").modified })
    assert.same({ "red", 3 }, { a:stat("small").fields.colour, a:stat("small").class })

    assert(a:store("later", "secret"))
    for _, key in ipairs { "small", "large", "later" } do
      local why = refused("denied", reader:get(key, { newest = true }))
      assert.matches("'" .. key .. "' cannot be read.*keys were changed %(generation 1%).*ask its owner to share it anew", why)
    end
    assert.matches("keys were changed", refused("denied", one:get("small", { newest = true })))
    assert.same({ "empty", "large", "later", "plain", "small" }, keys_of(a))

    reader = assert(c:accept(a:share()))
    assert.equal("anna", reader.name)
    assert.same({ "secret", large }, { content(reader, "later"), content(reader, "large") })
    one = assert(b:accept(a:share "small"))
    assert.equal("content", content(one, "small"))
    refused("denied", one:get "later")
  end)

  it("is denied to who only reads, and to a root that is open for reading", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local reader = assert(b:accept(a:share(), "anna"))
    assert.matches("can be read here, not written", refused("denied", reader:rotate()))
    local beside <close> = assert(filo.node { root = a.root, readonly = true, log = function() end })
    refused("denied", beside:rotate())
    assert.equal(0, a:rotation().generation)
    assert.has_error(function() a:rotate { wait = 1 } end)
  end)

  it("of two machines at once gives each object the same record everywhere, and ends", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local b, c = net:start("b", { bootstrap = { a.address } }), net:start("c", { bootstrap = { a.address } })
    nodes.peers(a, 2)
    local family = assert(b:accept(a:share(nil, { write = true }), "family"))
    for i = 1, 20 do assert(a:store("key " .. i, "content " .. i)) end
    assert(a:store("large", nodes.bytes(3 * MIB)))
    assert(family:delete "key 7")
    local ended = filo.all { function() return a:rotate() end, function() return family:rotate() end }
    for _, each in ipairs(ended) do assert.is_truthy(each) end
    local function settled(namespace)
      local rotation = namespace:rotation()
      return rotation.left == 0 and rotation.peers == 0
    end
    nodes.wait(function() return settled(a) and settled(family) end, "rotation")
    for key, hash in pairs { ["key 1"] = true, ["key 20"] = true, large = true, ["key 7"] = true } do
      assert.is_true(hash)
      local path, records = a:path_of(a:key_hash(key)), {}
      for i, node in ipairs { a, b, c } do records[i] = select(2, inside.of(node).disk:stat(inside.of(a).namespace, path)) end
      assert.is_true(records[1] == records[2] and records[2] == records[3], key)
    end
  end)

  it("twice, gives who was away the records that the others have", function()
    local net <close> = nodes.net()
    local c = net:start "c"
    local b = net:start("b", { bootstrap = { c.address } })
    local a = net:start("a", { bootstrap = { b.address, c.address } })
    for _, each in ipairs { a, b, c } do nodes.peers(each, 2) end
    local family = assert(b:accept(a:share(nil, { write = true }), "family"))
    assert(a:store("key", "content"))
    assert(family:fetch "key")
    net:stop "a"
    for _ = 1, 2 do assert(family:rotate()) end
    a = net:restart "a"
    wait_for_generation(a, a, "key", 2)
    nodes.wait(function() return a:rotation().peers == 0 end, "rotation")
    local path, records = a:path_of(a:key_hash "key"), {}
    for i, node in ipairs { a, b, c } do records[i] = select(2, inside.of(node).disk:stat(inside.of(a).namespace, path)) end
    assert.same({ records[1], records[1] }, { records[2], records[3] })
  end)

  it("leaves a peer alone that lists without end, and does the rest", function()
    for _, case in ipairs {
      { "it lists the same again and again", function() return { records = {}, place = { generation = 0, id = 0 } } end },
      { "it lists nothing, again and again", function(asked) return { records = {}, place = { generation = 0, id = asked } } end },
      { "it lists the same again and again", function(asked, kept)
        return { records = { kept }, place = { generation = 0, id = asked } }
      end },
    } do
      local net <close> = nodes.net()
      local a = net:start "a"
      local stranger <close> = strangers.meet(a)
      local asked, kept = 0, nil
      stranger:on("store", function(body)
        kept = kept or body.record
        return { body = {} }
      end)
      stranger:on("find", function() return { body = {} } end)
      stranger:on("generations", function()
        asked = asked + 1
        return { body = case[2](asked, kept) }
      end)
      nodes.peers(a, 1)
      assert(a:store("key", "content"))
      for generation = 1, 2 do
        local done = assert(a:rotate())
        assert.same({ generation, 0, 0 }, { done.generation, done.left, done.peers })
        assert.equal(generation, fields_at(a, a, "key").generation)
      end
      assert.is_truthy(net:logged(case[1]))
    end
  end)

  it("needs no peers; those that come later are told then, and get no content either", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", nodes.bytes(MIB)))
    assert(a:store("gone", "x"))
    net:stop "b"
    assert(a:rotate())
    assert(a:delete "gone")
    assert.equal(1, fields_at(a, a, "key").generation)
    local later = net:restart "b"
    nodes.wait(function() return a:connect(later.address) end, "connection")
    wait_for_generation(later, a, "key", 1)
    assert.is_true(sent(a) < 65536)
    nodes.wait(function() return fields_at(later, a, "gone").tombstone end, "deletion")
  end)

  it("counts each time, also when two begin at once", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 100 do assert(a:store("key " .. i, "content " .. i)) end
    local results = filo.all { function() return a:rotate() end, function() return a:rotate() end }
    assert.is_true(math.max(results[1].generation, results[2].generation) == 2)
    for i = 1, 100 do
      wait_for_generation(b, a, "key " .. i, 2)
      assert.equal("content " .. i, content(a, "key " .. i))
    end
    a = net:restart "a"
    assert.equal(2, a:rotation().generation)
  end)

  it("is noted in a file of the node's user alone, and goes on after a restart", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for i = 1, 300 do assert(a:store("key " .. i, "content")) end
    local rotation = assert(a:rotate { wait = false })
    assert.same({ 1, 300, 300 }, { rotation.generation, rotation.left, rotation.total })
    local file = ("%s/generations/%s.1"):format(a.root, a:namespace().id)
    assert.equal("rw-------", lfs.attributes(file, "permissions"))
    a = net:restart "a"
    nodes.wait(function() return a:rotation().left == 0 and fields_at(a, a, "key 300").generation == 1 end, "rotation")
    for i = 1, 300 do assert.equal(1, fields_at(a, a, "key " .. i).generation) end
    assert.is_false(nodes.exists(("%s/generations/%s.0"):format(a.root, a:namespace().id)))
  end)

  it("takes in what lies at peers only", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, key in ipairs { "small", "large" } do
      assert(a:store(key, nodes.bytes(key == "small" and 10 or MIB)))
      nodes.drop(a, key)
    end
    assert(a:rotate())
    for _, key in ipairs { "small", "large" } do
      assert.is_nil(fields_at(a, a, key))
      assert.same({ 1, 1 }, { fields_at(b, a, key).generation, fields_at(c, a, key).generation })
      assert.same(fields_at(b, a, key), fields_at(c, a, key))
      assert.equal(nodes.bytes(key == "small" and 10 or MIB), content(a, key))
    end
  end)

  it("makes do without the copies for which there is no room, says so, and comes back to them", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    a = net:restart("a", { reserve = 1 << 60 })
    local rotation = assert(a:rotate())
    assert.same({ 1, 1 }, { rotation.generation, rotation.left })
    assert.matches("'key': .*free", rotation.problem)
    assert.equal("content", content(a, "key"))
    a = net:restart("a", { reserve = 0 })
    nodes.wait(function() return fields_at(a, a, "key").generation == 1 end, "rotation")
  end)

  it("says which peers do not take new records, and tells them again", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    local remove = b:on("before_accept", function() return false, "not today" end)
    local rotation = assert(a:rotate())
    assert.same({ 0, 1 }, { rotation.left, rotation.peers })
    assert.matches("the copy of 'key' at node " .. b.id:sub(1, 16) .. ": .*not today", rotation.problem)
    assert.same({ 0, 1 }, { fields_at(b, a, "key").generation, fields_at(c, a, "key").generation })
    assert.is_truthy(net:logged "of a rotation 1 part could not be done, and is tried again; first: the copy of 'key' at node")
    remove()
    assert.same({ 2, 0 }, { assert(a:rotate()).generation, a:rotation().peers })
    assert.equal(2, fields_at(b, a, "key").generation)
  end)

  it("cannot be done for ever", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    inside.of(a).generation:learn((1 << 32) - 1)
    assert.matches("as often as they can be", refused("invalid", a:rotate()))
    assert(a:store("key", "content"))
    assert.equal((1 << 32) - 1, fields_at(a, a, "key").generation)
    assert.equal("content", content(a, "key"))
  end)
end)
