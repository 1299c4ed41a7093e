local filo = require "filo"
local inspect = require "filo.prompt.inspect"
local nodes = require "spec.support.nodes"

-- A peer that a hook was given led to the node, and so to the secret of the cluster in plain text: who logged a peer wrote it down.

---The names of all fields of a table, and those of its methods, in order.
local function names_in(value)
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

---Calls fn(path, value) for all that can be reached from a value through tables and metatables.
local function each_reached(value, fn, path, seen)
  fn(path, value)
  if type(value) ~= "table" or seen[value] then return end
  seen[value] = true
  for key, field in next, value do
    each_reached(key, fn, path .. " key", seen)
    each_reached(field, fn, path .. "." .. tostring(key), seen)
  end
  each_reached(getmetatable(value), fn, path .. " metatable", seen)
end

local function check_reveals_nothing(what, value, secret)
  each_reached(value, function(path, each)
    if type(each) == "string" then assert.is_nil(each:find(secret, 1, true), path) end
    assert.not_equal("userdata", type(each), path)
  end, what, {})
end

local HOOKS = {
  "before_store", "stored", "copied", "before_accept", "accepted", "before_delete", "deleted", "peer_up", "peer_down", "corrupt",
}

describe("what a script is given", function()
  it("holds its documented fields, and leads to nothing else", function()
    local net <close> = nodes.net()
    local seen = {}
    local function note(what) return function(...) seen[#seen + 1] = { what, { ... } } end end
    local a, b = net:cluster(2)
    for _, name in ipairs(HOOKS) do
      a:on(name, note(name))
      b:on(name, note(name))
    end
    b:handle("ask", function(...)
      note "ask"(...)
      return true
    end)
    assert.is_true(a:request(a:peers()[1], "ask", "you"))
    local receipt = assert(a:store("key", nodes.bytes(10)))
    local object <close> = assert(a:get "key")
    note "all"(a, filo.nodes(), a:peers(), receipt, object, a:stat "key", a:copies "key", a:placement "key", a:delete "key", a:get "key",
      filo.node { root = a.root, cluster = nodes.SECRET })
    net:stop "b"
    nodes.peers(a, 0)
    for name, module in pairs(package.loaded) do
      if name:find "^filo" then seen[#seen + 1] = { name, module } end
    end
    for _, each in ipairs(seen) do check_reveals_nothing(each[1], each[2], nodes.SECRET) end
    assert.equal("about address id root", names_in(a))
    assert.equal("encrypted from key modified size unheard version", names_in(object))
  end)

  it("of a peer is the same each time", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local peer = a:peers()[1]
    assert.equal("about address bulk free id listen rtt", names_in(peer))
    assert.equal(peer, a:peers()[1])
  end)

  -- `node:peers()[1].id = 5` in a script broke what anybody else asked of the peer: `filo peers`, another script.
  it("can only be read, where the node goes on using it", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", "content", { fields = { mine = 1 } }))
    local object <close> = assert(a:get "key")
    for what, value in pairs { ["a node"] = a, ["a peer"] = a:peers()[1], ["an object"] = object } do
      for _, name in ipairs { "id", "close", "anything" } do
        local ok, err = pcall(function() value[name] = 5 end)
        assert.is_false(ok)
        assert.equal(("spec/node/faces_spec.lua:%d: %s can only be read: its field '%s' cannot be set"):format(
          debug.getinfo(1, "l").currentline - 3, what, name), err)
      end
    end
    a:peers()[1].about.zone, object.fields.mine = "b", 2
    assert.same({ {}, { mine = 1 } }, { a:peers()[1].about, object.fields })
  end)

  it("may be written to, where the node does not look at it again", function()
    local net <close> = nodes.net()
    local about = { zone = "a" }
    local a = net:start("a", { about = about, policy = { name = "a test", quorum = 1 } })
    net:start("b", { bootstrap = { a.address } })
    nodes.peers(a, 1)
    about.zone = print
    local receipt = assert(a:store("key", nodes.bytes(10)))
    receipt.copies, receipt.quorum, receipt.key = nil, {}, a
    nodes.wait(function() return receipt.copies and #receipt.copies == 2 end, "the other copy")
    assert.same({ "key", 1 }, { receipt.key, receipt.quorum })
    receipt.copies[1] = nil
    net:start("c", { bootstrap = { a.address } })
    nodes.peers(a, 2)
    receipt = assert(a:replicate "key")
    nodes.wait(function() return #receipt.copies == 3 end, "the third copy")
  end)

  it("says what it is when it is printed", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local receipt = assert(a:store("key", "content"))
    assert.equal(("receipt of 'key': version %d, 7 bytes, 2 copies (quorum 2)"):format(receipt.version), tostring(receipt))
    assert.equal(tostring(receipt), tostring((assert(a:replicate "key"))))
    assert.matches("^{\n  away = {},\n  copies = {\n.*  key = \"key\",\n.*}$", inspect(receipt)) -- as the prompt shows it
    local object <close> = assert(a:get "key")
    assert.equal('object "key", 7 bytes', tostring(object))
    assert.matches("^receipt of 'key': version %d+, 0 bytes, 2 copies %(quorum 1%)$", tostring((assert(a:delete "key"))))
    assert.equal(("peer %s at %s"):format(b.id:sub(1, 16), a:peers()[1].address), tostring(a:peers()[1]))
    assert.equal(("node %s at %s"):format(a.id:sub(1, 16), a.address), tostring(a))
  end)

  it("is told when a method is called with a dot", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    local object <close> = assert(a:get "key")
    for _, each in ipairs { { a.peers }, { a.store, "key", "content" }, { a.close }, { object.read, 5 }, { object.close } } do
      local ok, err = pcall(table.unpack(each))
      assert.is_false(ok)
      assert.matches("expected: is there a dot in place of the colon", tostring(err))
    end
  end)
end)
