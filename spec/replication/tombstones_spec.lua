local errors = require "filo.base.errors"
local filo = require "filo"
local in_use = require "spec.support.in_use"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

local SIZES = { 10, (2 << 20) + 5 }

local function fields_at(owner, node, key)
  return (inside.of(node).disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash(key))))
end

local function wait_tombstone(owner, node, key, seconds)
  nodes.wait(function()
    local fields = fields_at(owner, node, key)
    return fields and fields.tombstone
  end, "tombstone", seconds)
end

describe("a peer that was away during a delete", function()
  for _, restarted in ipairs { false, true } do
    it("is told when it comes back" .. (restarted and ", though the owner was restarted, too" or ""), function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2)
      for _, size in ipairs(SIZES) do assert(a:store("key " .. size, nodes.bytes(size))) end
      assert(a:store("kept", "content"))
      net:stop "b"
      nodes.peers(a, 0)
      for _, size in ipairs(SIZES) do assert.same({ a.id }, assert(a:delete("key " .. size)).copies) end
      if restarted then a = net:restart "a" end
      net.options.b.listen = b.address
      b = net:start("b", net.options.b)
      nodes.peers(a, 1)
      for _, size in ipairs(SIZES) do
        wait_tombstone(a, b, "key " .. size)
        nodes.check_deleted(a, "key " .. size)
      end
      assert.is_false(fields_at(a, b, "kept").tombstone)
    end)
  end

  it("cannot bring the object back before it is told", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    net:stop "b"
    nodes.peers(a, 0)
    assert(a:delete "key")
    net.options.b.listen = b.address
    b = net:start("b", net.options.b)
    inside.of(b).peer_list:handle("store", function() return nil, filo.error("denied", "not yet") end)
    nodes.peers(a, 1)
    nodes.check_deleted(a, "key")
    assert.is_false(fields_at(a, b, "key").tombstone)
  end)

  it("is told of what it missed, and not of all that it holds, by an owner that was restarted", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { durability = "group" }) -- whose catalogues stay
    for i = 1, 100 do assert(a:store("key" .. i, "content")) end
    for i = 1, 99 do assert(a:delete("key" .. i)) end
    net:stop "b"
    nodes.peers(a, 0)
    assert(a:delete "key100")
    net:stop "a"
    net.options.b.listen = b.address
    b = net:start("b", net.options.b)
    local told = 0
    local handler = inside.of(b).peer_list.requests.handlers.store
    inside.of(b).peer_list:handle("store", function(...)
      told = told + 1
      return handler(...)
    end)
    a = net:start("a", net.options.a)
    wait_tombstone(a, b, "key100")
    nodes.wait(function() return not inside.of(a).tombstones.catching_up end, "end of what it is told")
    assert.is_true(told < 50) -- of some it is told in any case
  end)

  it("is asked for nothing that its owner cannot read", simulated(function(net, host)
    local a = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    net:stop "b"
    nodes.peers(a, 0)
    local catalogue, in_step, asked = inside.of(a).tombstones.catalogue, inside.of(a).in_step, {}
    local tombstones = catalogue.tombstones
    function catalogue.tombstones(...)
      local next_row, unread = tombstones(...), { namespace = inside.of(a).namespace, path = "a/file", problem = "io" }
      return function()
        local row = unread or next_row()
        unread = nil
        return row
      end
    end
    function in_step.held(_, _, rows)
      for _, row in ipairs(rows) do asked[#asked + 1] = row.version or "none" end
    end
    net:restart "b"
    host.sleep(60)
    assert.is_true(#asked > 0)
    for _, version in ipairs(asked) do assert.is_number(version) end
  end))

  it("is told once", simulated(function(net, host)
    local a, b = net:cluster(2)
    for i = 1, 3 do
      assert(a:store("key " .. i, "content"))
      assert(a:delete("key " .. i))
    end
    host.sleep(60)
    inside.of(a).in_step.held = function() return {} end -- that nothing is lacking is remembered, and not asked
    local told, back = 0, 0
    b:on("before_accept", function(offer) told = told + (offer.tombstone and 1 or 0) end)
    a:on("peer_up", function() back = back + 1 end)
    inside.of(b:peers()[1]).connection:close()
    host.sleep(60)
    assert.is_true(back >= 1)
    assert.equal(0, told)
    assert(a:store("key 4", "content"))
    assert(a:delete "key 4")
    assert.equal(1, told)
  end))

  it("is told by an owner that has lost its disk and learns of the delete from another", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    local record = select(2, inside.of(c).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")))
    local store = inside.of(c).peer_list.requests.handlers.store
    inside.of(c).peer_list:handle("store", function() return nil, filo.error("denied", "away") end)
    assert.equal(2, #assert(a:delete "key").copies)
    inside.of(c).peer_list:handle("store", store)
    assert(os.remove(nodes.place(a, a, "key")))
    assert.equal(record, select(2, inside.of(c).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key"))))
    nodes.check_deleted(a, "key")
    wait_tombstone(a, c, "key")
    assert.is_true(fields_at(a, a, "key").tombstone)
    assert.is_truthy(b)
  end)
end)

-- Peers that came back were told of deletions one after the other: a slow one kept all others from hearing of any.
describe("a peer that comes back", function()
  it("is told of deletions while another does not answer", simulated(function(net, host)
    local a = net:cluster(3)
    for i = 1, 3 do assert(a:store("key" .. i, "content")) end
    for _, name in ipairs { "b", "c" } do net:stop(name) end
    nodes.peers(a, 0)
    for i = 1, 3 do assert(a:delete("key" .. i)) end
    local slow = net:restart "c"
    inside.of(slow).peer_list:handle("store", function() host.sleep(3600) end)
    nodes.peer(a, slow.id)
    local b = net:restart "b"
    nodes.peer(a, b.id)
    for i = 1, 3 do wait_tombstone(a, b, "key" .. i, 2 * host.limits.tell) end
  end))
end)

-- Deletions were told one after the other, and all of a batch had 15 seconds: over a long line most were never told.
describe("a peer at the end of a long line", function()
  it("is told of many deletions", simulated(function(net, host)
    local a = net:cluster(2)
    for i = 1, 200 do assert(a:store("key" .. i, "content")) end
    net:stop "b"
    nodes.peers(a, 0)
    for i = 1, 200 do assert(a:delete("key" .. i)) end
    net:machine("b").lag = 0.25
    local b = net:restart "b"
    nodes.peer(a, b.id)
    host.sleep(30)
    for i = 1, 200 do assert.is_true(fields_at(a, b, "key" .. i).tombstone) end
  end))
end)

-- A peer that could not take a deletion when it was told, since its disk was full say, kept its copy until it connected again; and one that
-- was restored from an old backup was taken for one that knew all deletions, as it had when it was asked before.
describe("a peer that could not take a deletion", function()
  it("is told again while it is connected", simulated(function(net, host)
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local store, refused = inside.of(b).peer_list.requests.handlers.store, 0
    inside.of(b).peer_list:handle("store", function(...)
      refused = refused + 1
      if refused > 3 then return store(...) end
      return nil, filo.error("no_space", "there is no room for it")
    end)
    assert.same({ 1, 1 }, { #assert(a:delete "key").copies, refused })
    host.sleep(3600)
    assert.is_true(fields_at(a, b, "key").tombstone)
    assert.is_true(refused >= 4) -- who looks after copies may have told it, too
  end))

  it("is not told again when it is its policy that refuses", simulated(function(net, host)
    local asked, failed = 0, 0
    local a, _, c = net:cluster(3, {}, { b = { policy = { name = "a test", accept = in_use.accept(function(object)
      if not object.tombstone then return true end
      asked = asked + 1
      return false, "never"
    end) } } })
    assert(a:store("key", "content"))
    inside.of(c).peer_list:handle("store", function()
      failed = failed + 1
      return nil, filo.error("io", "it could not be kept")
    end)
    assert(a:delete "key")
    host.sleep(3600)
    assert.is_true(failed > 5)
    assert.is_true(asked <= 2) -- by its owner, and by who looks after copies
  end))

  it("is told again of what it could not take, though its policy refuses others", simulated(function(net, host)
    local never
    local a, b = net:cluster(2, {}, { b = { policy = { name = "a test", accept = function(object)
      return not (object.tombstone and object.key_hash == never), "never"
    end } } })
    never = a:key_hash "kept"
    for _, key in ipairs { "kept", "key" } do assert(a:store(key, "content")) end
    assert.equal(1, #assert(a:delete "kept").copies)
    local store, full = inside.of(b).peer_list.requests.handlers.store, true
    inside.of(b).peer_list:handle("store", function(...)
      if full then return nil, filo.error("no_space", "there is no room for it") end
      return store(...)
    end)
    assert.equal(1, #assert(a:delete "key").copies)
    full = false
    host.sleep(3600)
    assert.is_true(fields_at(a, b, "key").tombstone)
    assert.is_false(fields_at(a, b, "kept").tombstone)
  end))

  it("is told of all again when it has been started again: it may be an old backup", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local path = nodes.place(a, b, "key")
    local file <close> = assert(io.open(path, "rb"))
    local backup = file:read "a"
    assert(a:delete "key")
    wait_tombstone(a, b, "key")
    net:stop "b"
    nodes.peers(a, 0)
    local copy <close> = assert(io.open(path, "wb"))
    assert(copy:write(backup))
    copy:close()
    b = net:start("b", { listen = b.address })
    wait_tombstone(a, b, "key")
  end)
end)

describe("who was told of deletions", function()
  it("is remembered of so many; of others only while they are connected", function()
    local _ <close> = limits { remembered = 3 }
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    assert(a:delete "key")
    local told = {}
    ---Comes, is told what it has to be, and goes unless it is to stay.
    local function come(identity)
      local stranger = strangers.call(a, { identity = identity })
      stranger:on("store", function()
        told[stranger.id] = (told[stranger.id] or 0) + 1
        return { body = {} }
      end)
      stranger:on("print", function() return { error = { code = "io", message = "it has no catalogue" } } end)
      stranger:greet()
      nodes.peer(a, stranger.id)
      nodes.wait(function() return not inside.of(a).tombstones.catching_up end, "end of what it is told")
      return stranger
    end
    local function come_and_go(identity)
      local stranger = come(identity)
      stranger:close()
      nodes.wait(function() return not inside.of(a).peer_list:get(stranger.id) end, "end of a peer")
      return stranger
    end
    local staying <close> = come()
    local first = come_and_go()
    come_and_go(first.identity)
    assert.same({ 1, 1 }, { told[staying.id], told[first.id] })
    for _ = 1, 10 do
      come_and_go()
      local count = 0
      for _ in pairs(inside.of(a).tombstones.caught_up) do count = count + 1 end
      assert.is_true(count <= 4)
    end
    come_and_go(first.identity)
    assert.same({ 1, 2 }, { told[staying.id], told[first.id] })
  end)
end)

describe("a peer that comes while the disk is not there", function()
  it("is told of what was deleted once it is back", function()
    local _ <close> = limits { tell_again = 0.05 }
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", "content"))
    net:stop "b"
    nodes.peers(a, 0)
    assert(a:delete "key")
    local parts = inside.of(a)
    local core, walk, walks = parts.catalogue.core, parts.disk.walk, 0
    parts.catalogue.core = nil
    parts.disk.walk = function(self, ...)
      walks = walks + 1
      if walks == 1 then return nil, errors.new("io", "the disk is not there") end
      return walk(self, ...)
    end
    local b = net:restart "b"
    nodes.wait(function() return #a:peers() == 1 or a:connect(b.address) end, "connection")
    wait_tombstone(a, b, "key")
    parts.catalogue.core = core
    assert.is_true(walks > 1)
  end)
end)

describe("deletions that another writer has made", function()
  it("wait in a few tasks for a peer that does not answer, and reach the others", function()
    local _ <close> = limits { tell = 0.5 }
    local net <close> = nodes.net()
    local a, b = net:start "a", net:start "b"
    local family = assert(b:accept(a:share(nil, { write = true }), "family"))
    for i = 1, 300 do assert(a:store("key " .. i, "x")) end
    for i = 1, 300 do assert(a:delete("key " .. i)) end
    local silent <close> = strangers.meet(b)
    silent:on("store", function() return nil end)
    nodes.peers(b, 1)
    local c = net:start("c", { bootstrap = { b.address } })
    nodes.peers(b, 2)
    local most, tasks = 0, inside.of(b).tasks
    assert(b:connect(a.address))
    nodes.wait(function()
      most = math.max(most, tasks.live.count)
      local fields = fields_at(a, c, "key 300")
      return fields and fields.tombstone
    end, "deletion")
    assert.is_true(most < 60, most .. " tasks")
    assert.is_not_nil(family)
  end)
end)
