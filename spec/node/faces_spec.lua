local filo = require "filo"
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
    assert.equal("address id root", names_in(a))
    assert.equal("encrypted from key modified size unheard version", names_in(object))
  end)

  it("of a peer is the same each time, and harms nothing when it is written into", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local peer = a:peers()[1]
    assert.equal("about address free id listen rtt", names_in(peer))
    assert.equal(peer, a:peers()[1])
    peer.id, peer.about = ("0"):rep(64), nil
    local from
    b:handle("ask", function(_, other)
      from = other
      return "answer"
    end)
    assert.equal("answer", a:request(peer, "ask"))
    assert.equal(a.id, from.id)
    assert.same({ a.id, b.id }, assert(a:store("key", "content")).copies)
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
