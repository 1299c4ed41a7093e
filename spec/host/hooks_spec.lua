---Hooks: what they may refuse, and what they cannot break.

local filo = require "filo"
local inside = require "filo.base.inside"
local new_bell = require "spec.support.bell"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

-- A task cancelled while it waited for a before_... hook went on, as if the hook had allowed what it was about to refuse.
describe("a task that waits for a hook", function()
  it("can be cancelled; what the hook was asked about does not happen", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("kept", "content"))
    local entered, ended = filo.channel(), filo.channel()
    for _, name in ipairs { "before_store", "before_delete" } do
      a:on(name, function()
        entered:send(true)
        local _ <close> = setmetatable({}, { __close = function() ended:send(true) end })
        filo.sleep(60)
      end)
    end
    for _, call in ipairs {
      function() return a:store("key", "content") end, function() return a:delete "kept" end,
    } do
      local after
      local task = filo.spawn(function()
        local _ <close> = setmetatable({}, { __close = function(_, err) after = err end })
        return call()
      end):observe()
      assert.is_true(entered:receive(10))
      task:cancel "enough"
      local ok, err = pcall(task.join, task, 5)
      assert.is_false(ok)
      assert.equal("cancelled", err.code)
      assert.equal("enough", after.message)
      assert.is_true(ended:receive(10))
    end
    assert.is_false(a:has "key")
    assert.is_true(a:has "kept")
  end)
end)

-- A before_... hook that failed, or took too long, allowed what it might have refused.
describe("a before_... hook that fails", function()
  it("refuses, and is reported", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("kept", "content"))
    a:on("before_store", function() error "oops" end)
    a:on("before_delete", function() error { code = "mine" } end)
    local ok, err = a:store("key", "content")
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    assert.matches("^the 'before_store' hook failed: .*hooks_spec.lua:%d+: oops, and so refuses$", tostring(err))
    assert.is_truthy(net:logged "a error: the hook 'before_store' failed: .*oops")
    assert.is_false(a:has "key")
    ok, err = a:delete "kept"
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    assert.is_true(a:has "kept")
  end)

  it("refuses at a peer, which does not tell why", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:on("before_accept", function() error "a secret of the peer" end)
    for _, size in ipairs { 10, 100000 } do
      local ok, err = a:store("key", nodes.bytes(size))
      assert.is_nil(ok)
      assert.equal("not_enough_copies", err.code)
      assert.matches("refused", tostring(err))
      assert.is_nil(tostring(err):find("secret", 1, true))
    end
    assert.is_truthy(net:logged "b error: the hook 'before_accept' failed: .*a secret of the peer")
    assert.is_false(nodes.exists(nodes.place(a, b, "key")))
  end)

  it("refuses when it takes too long", simulated(function(net, host)
    local a = net:start "a"
    a:on("before_store", function() host.sleep(3600) end)
    local ok, err = a:store("key", "content")
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    assert.matches("the 'before_store' hook has not ended after 5 s, and so refuses", tostring(err))
    assert.is_false(a:has "key")
  end))
end)

describe("any other hook that fails", function()
  it("is reported and changes nothing, not even for the hooks after it", simulated(function(net, host)
    local a = net:start "a"
    a:on("stored", function() error "oops" end, 2)
    a:on("stored", function() host.sleep(3600) end, 1)
    local third = nodes.events(a, "stored")
    assert(a:store("key", "content"))
    assert.equal("key", third().key)
    assert.equal(1, net:logged "a error: the hook 'stored' failed: .*oops")
    assert.equal(1, net:logged "a error: the hook 'stored' has not ended after 5 s")
  end))
end)

-- A before_delete hook that changed the item made delete give nil without an error, or raise; a before_store hook, store.
describe("a hook that changes what it is shown", function()
  it("changes nothing", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    a:on("before_store", function(what) what.fields.added, what.key = print, 7 end)
    assert(a:store("key", "content", { fields = { mine = 1 } }))
    assert.same({ mine = 1 }, a:stat("key").fields)
    for _, version in ipairs { false, "x" } do
      local remove = a:on("before_delete", function(item) item.version = version or nil end)
      assert.equal("key", assert(a:delete "key").key)
      assert(a:store("key", "content", { fields = {} }))
      remove()
    end
  end)
end)

-- Hooks were given the node's own tables: one that changed what it was given changed the receipt of a store, the size of what was being
-- copied, why a peer had gone, or what the next hook was shown.

---Empties a table, and all in it but peers.
local function spoil(value)
  if type(value) ~= "table" or inside.of(value) then return end
  for name, each in pairs(value) do
    spoil(each)
    value[name] = nil
  end
  value.spoilt = true
end

---Has two hooks of each name on a node: what the second is given must be whole. Gives what they were given, by name. The bell is rung
---each time.
local function hang(node, names, bell)
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
      bell:ring()
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
    local bell = new_bell()
    local at_a, spoilt_at_a = hang(a, AT_OWNER, bell)
    local at_b, spoilt_at_b = hang(b, AT_PEER, bell)
    local function wait_for(fn) assert.is_truthy(bell:wait(10, fn)) end
    assert(a:connect(b.address))
    for _, size in ipairs { 10, (3 << 20) + 5 } do
      local receipt = assert(a:store("key", nodes.bytes(size), { fields = { mine = { 1 } } }))
      wait_for(function() return at_a.stored and at_a.copied and at_b.accepted end)
      assert.equal(size, receipt.size)
      assert.same({ a.id, b.id }, receipt.copies)
      assert.same({ mine = { 1 } }, a:stat("key").fields)
    end
    nodes.flip(nodes.place(a, b, "key"), 20)
    nodes.drop(a, "key")
    assert.is_nil((nodes.content(a, "key")))
    wait_for(function() return at_a.corrupt end)
    assert(a:store("key", "content"))
    local receipt = assert(a:delete "key")
    wait_for(function() return at_a.deleted end)
    assert.equal("key", receipt.key)
    assert.same({ a.id, b.id }, receipt.copies)
    local peer = a:peers()[1]
    net:stop "b"
    wait_for(function() return at_a.peer_down end)
    assert.is_string(inside.of(peer).gone.code)
    for _, name in ipairs(AT_OWNER) do assert.is_table(at_a[name], name) end
    for _, name in ipairs(AT_PEER) do assert.is_table(at_b[name], name) end
    assert.same({}, spoilt_at_a)
    assert.same({}, spoilt_at_b)
  end)
end)

-- Each `replicate` announced the copies that were there already, once more.
describe("the hook", function()
  it("'copied' is for copies that are new", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local peers = {}
    a:on("copied", function(object, peer) peers[#peers + 1] = object.key .. peer.id end)
    for key, size in pairs { small = 10, large = 3 << 20 } do
      assert(a:store(key, nodes.bytes(size)))
      nodes.wait(function() return peers[1] end)
      local receipt = assert(a:replicate(key))
      assert.same({ a.id, b.id }, receipt.copies)
      assert.same({ key .. b.id }, peers)
      local c = net:start(key, { bootstrap = { a.address } })
      nodes.peers(a, 2)
      assert(a:replicate(key, { to = { b.id, c.id } }))
      nodes.wait(function() return peers[2] end)
      assert.same({ key .. b.id, key .. c.id }, peers)
      net:stop(key)
      nodes.peers(a, 1)
      assert(a:forget(c.id))
      peers[1], peers[2] = nil, nil
    end
  end)

  it("'accepted' is given the fields of an offer", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local next_offered, next_accepted = nodes.events(b, "before_accept"), nodes.events(b, "accepted")
    for key, size in pairs { small = 10, large = 3 << 20 } do
      local receipt = assert(a:store(key, nodes.bytes(size)))
      local offer = {
        key_hash = a:key_hash(key), namespace = filo.crypto.unhex(a:namespace().id), version = receipt.version, size = size,
        class = 0, tombstone = false,
      }
      assert.same({ offer, offer }, { (next_offered()), (next_accepted()) })
    end
  end)
end)
