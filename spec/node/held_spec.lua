local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

local SMALL, BIG = 100, (3 << 20) + 5

---What a node holds for others, in the order of sizes.
local function held(node, owner)
  local list = {}
  for copy in node:held(owner) do list[#list + 1] = copy end
  table.sort(list, function(a, b) return a.size < b.size end)
  return list
end

---The copy that a node holds of a key.
local function held_of(owner, node, key)
  for copy in node:held(owner:namespace().id) do
    if copy.key_hash == owner:key_hash(key) then return copy end
  end
end

local function has_file(owner, node, key) return nodes.exists(nodes.place(owner, node, key)) end

-- A holder could not tell what it held, nor give it away: the script of a node that is to leave had to look into its folders.

describe("node:held", function()
  it("lists what is kept for others, of all owners or of one, and nothing of its own", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    nodes.peers(b, 1)
    assert(b:connect(c.address))
    local of_a = assert(a:store("a's", nodes.bytes(SMALL)))
    local of_b = assert(b:store("b's", nodes.bytes(BIG)))
    assert(c:store("c's", "its own"))
    assert.same({
      { owner = a:namespace().id, key_hash = a:key_hash "a's", version = of_a.version, size = SMALL, tombstone = false },
      { owner = b:namespace().id, key_hash = b:key_hash "b's", version = of_b.version, size = BIG, tombstone = false },
    }, held(c))
    assert.same({ b:namespace().id }, { held(c, b:namespace().id:upper())[1].owner, held(c, b:namespace().id)[2] })
    assert.same({}, held(c, c:namespace().id))
    assert.same({}, held(c, ("0"):rep(64)))
    assert(a:delete "a's")
    assert.is_true(held(c, a:namespace().id)[1].tombstone)
  end)

  it("does not keep the root open when a loop is left", simulated(function(net)
    local a, b = net:cluster(2)
    for i = 1, 100 do assert(a:store("key " .. i, "content")) end
    local count = 0
    for _ = 1, 3 do
      for copy in b:held() do
        count = count + 1
        if copy.owner == a:namespace().id and count % 2 == 0 then break end
      end
    end
    assert.equal(6, count)
    assert.equal(100, #held(b))
    net:stop "b"
    net:restart "b"
  end))

  it("warns of what cannot be read, of others' only", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local file = assert(io.open(nodes.place(a, b, "key"), "r+b"))
    file:seek("end", -12)
    assert(file:write(string.pack("<I4", 7))) -- a format of a Filo to come
    file:close()
    net:stop "b"
    os.remove(b.root .. "/catalogue")
    b = net:restart "b"
    assert.same({}, held(b))
    local folder = ("%s/objects/%s/"):format(b.root, a:namespace().id):gsub("%p", "%%%0")
    assert.truthy(net:logged("^b warning: cannot list " .. folder .. ".*: unsupported$"))
    local lines = #net.lines
    assert.same({}, held(a))
    for i = lines + 1, #net.lines do assert.not_matches("cannot list", net.lines[i]) end
  end)
end)

describe("node:drop", function()
  it("removes that version, or an older one, and nothing else", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    local old = held_of(a, b, "key")
    assert(a:store("key", "new"))
    refused("exists", b:drop(old))
    assert.is_true(has_file(a, b, "key"))
    local new = held_of(a, b, "key")
    assert.is_true(b:drop(new))
    assert.is_false(has_file(a, b, "key"))
    refused("not_found", b:drop(new))
    assert(a:replicate "key")
    new.version = new.version + 1
    assert.is_true(b:drop(new))
    assert.equal("new", nodes.content(a, "key"))
  end)

  it("keeps a deletion, and its own objects", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local before = held_of(a, b, "key")
    assert(a:delete "key")
    local after = held_of(a, b, "key")
    assert.is_true(after.tombstone)
    for _, copy in ipairs { before, after } do assert.matches("was deleted", refused("exists", b:drop(copy))) end
    assert.is_true(has_file(a, b, "key"))
    local own = assert(a:store("own", "content"))
    local copy = { owner = a:namespace().id, key_hash = a:key_hash "own", version = own.version }
    assert.matches("evict", refused("invalid", a:drop(copy)))
    assert.matches("replicate", refused("invalid", a:pass(copy, b.id)))
    assert.equal("content", nodes.content(a, "own"))
  end)

  it("says at the caller's line what is no copy, and what no peer", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local copy = held_of(a, b, "key")
    local function here(text) return "^spec/node/held_spec.lua:%d+: " .. text end
    for _, wrong in ipairs {
      "key", {}, { owner = "abc", key_hash = copy.key_hash, version = 1 }, { owner = a.id, key_hash = "short", version = 1 },
      { owner = a.id, key_hash = copy.key_hash, version = 1.5 }, { owner = a.id, key_hash = copy.key_hash },
    } do
      raises(here "drop: a copy expected, as node:held gives them", function() b:drop(wrong) end)
      raises(here "pass: a copy expected, as node:held gives them", function() b:pass(wrong, a.id) end)
    end
    raises(here "pass: a peer, or a node ID, expected", function() b:pass(copy) end)
    raises(here "held: a node ID expected", function() b:held "abc" end)
    assert.is_true(has_file(a, b, "key"))
  end)
end)

describe("node:pass", function()
  ---An owner, the only node at which it wants copies, and another one, which lets only that one in while it is there.
  local function line(net, given)
    local holder
    local policy = { name = "at the holder", place = function(_, members)
      local list = {}
      for _, member in ipairs(members) do
        if member.id == holder then list[1] = member end
      end
      return list
    end }
    local a, b = net:cluster(2, {}, { a = { policy = policy } })
    holder = b.id
    local options = { admit = function(peer)
      if net.nodes.b then return peer.id == holder end
    end }
    for name, value in pairs(given or {}) do options[name] = value end
    local c = net:start("c", options)
    assert(b:connect(given and given.address or c.address))
    return a, b, c
  end

  it("sends what is held as it is, small and large, to a peer that its owner wants no copy at", function()
    local net <close> = nodes.net()
    local a, b, c = line(net)
    for key, size in pairs { empty = 0, small = SMALL, large = BIG } do
      local content = nodes.bytes(size)
      assert(a:store(key, content))
      local next_accepted = nodes.events(c, "accepted")
      local copy = held_of(a, b, key)
      assert.is_true(b:pass(copy, c.id))
      local offer, peer = next_accepted()
      assert.same({ copy.key_hash, copy.version, b.id }, { offer.key_hash, offer.version, peer.id })
      -- It was true, too, of one that was there already: a node that passed all on, and dropped it, left fewer copies.
      local there = b:peers()[1].id == c.id and b:peers()[1] or b:peers()[2]
      assert.matches("has a copy of it already", refused("exists", b:pass(copy, there)))
      assert.is_true(b:drop(copy))
    end
    net:stop "b"
    assert(a:connect(c.address))
    for key, size in pairs { empty = 0, small = SMALL, large = BIG } do
      nodes.drop(a, key)
      assert.is_true(nodes.bytes(size) == nodes.content(a, key))
    end
  end)

  it("sends deletions, too", function()
    local net <close> = nodes.net()
    local a, b, c = line(net)
    assert(a:store("key", "content"))
    local before = held_of(a, b, "key")
    assert.is_true(b:pass(before, c.id))
    assert(a:delete "key")
    assert.matches("not here any more", refused("not_found", b:pass(before, c.id)))
    assert.is_true(b:pass(held_of(a, b, "key"), c.id))
    assert.is_true(held_of(a, c, "key").tombstone)
  end)

  it("gives the peer's reason when it is refused", function()
    local net <close> = nodes.net()
    local a, b, c = line(net, { policy = { name = "a test", accept = function(offer) return offer.size == 0, "too large for me" end } })
    for _, size in ipairs { SMALL, BIG } do
      assert(a:store("key", nodes.bytes(size)))
      local copy = held_of(a, b, "key")
      assert.matches("too large for me", refused("denied", b:pass(copy, c.id)))
      assert.matches("writes that namespace itself", refused("denied", b:pass(copy, a.id)))
      assert.is_true(has_file(a, b, "key"))
    end
    refused("unreachable", b:pass(held_of(a, b, "key"), ("0"):rep(64)))
    net:stop "c"
    nodes.peers(b, 1)
    refused("unreachable", b:pass(held_of(a, b, "key"), c.id))
  end)

  it("says when the peer has a newer version, or knows of a deletion", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(b:connect(c.address))
    for _, size in ipairs { SMALL, BIG } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      local old = held_of(a, b, "key")
      local remove = b:on("before_accept", function() return false, "no more" end)
      local _, err = a:store("key", "new")
      local newer = err.receipt.version
      assert.matches("has a newer version", refused("exists", b:pass(old, c.id)))
      assert.equal(newer, held_of(a, c, "key").version)
      assert(a:delete "key")
      assert.matches("knows that it was deleted", refused("exists", b:pass(old, c.id)))
      remove()
      assert(a:store("key", "to be deleted everywhere"))
      assert(a:delete "key")
    end
  end)

  it("believes no peer that shows another record than a newer one of that object", function()
    local net <close> = nodes.net()
    local a, b, c = line(net)
    assert(a:store("key", "content"))
    assert(a:store("another", "content"))
    local copy = held_of(a, b, "key")
    local _, another = inside.of(b).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "another"))
    for _, record in ipairs { another, ("x"):rep(300) } do
      inside.of(c).peer_list:handle("store", function() return { record = record } end)
      local ok, err = b:pass(copy, c.id)
      assert.is_nil(ok)
      assert.not_equal("exists", err.code)
      assert.equal(c.id, err.peer)
    end
  end)

  it("sets aside a copy that the peer finds bad", function()
    local net <close> = nodes.net()
    local a, b, c = line(net)
    for _, size in ipairs { SMALL, BIG } do
      assert(a:store("key", nodes.bytes(size)))
      local copy = held_of(a, b, "key")
      nodes.flip(nodes.place(a, b, "key"), size - 1)
      refused("corrupt", b:pass(copy, c.id))
      assert.is_false(has_file(a, b, "key"))
      assert.is_false(has_file(a, c, "key"))
    end
  end)

  it("shows the copy while it moves, and gives up a peer that takes nothing", simulated(function(net, host)
    local a, b = net:cluster(2)
    local c = net:start "c"
    assert(b:connect(net:machine("c").address))
    assert(a:store("key", nodes.bytes(500000)))
    local copy = held_of(a, b, "key")
    local passing = host.spawn_child(b.pass, b, copy, c.id):observe()
    host.sleep(0.3)
    local moves = b:activity()[1]
    assert.same({ "copy", c.id, 500000 + 123 * 32 }, { moves.what, moves.peer, moves.size })
    net:cut("b", "c")
    local ok, err = passing:join()
    assert.same({ nil, true, c.id }, { ok, err.retryable, err.peer })
    assert.same({}, b:activity())
  end))

  it("empties a node that is to leave", simulated(function(net)
    local a, b = net:cluster(2)
    local c = net:start "c"
    for i = 1, 70 do assert(a:store("key " .. i, nodes.bytes(SMALL, i))) end
    assert(a:store("gone", "content"))
    assert(a:delete "gone")
    local peer = assert(b:connect(net:machine("c").address))
    for copy in b:held() do
      local ok, err = b:pass(copy, peer)
      if (ok or err.code == "exists") and not copy.tombstone then assert(b:drop(copy)) end
    end
    assert.same({ true }, { held(b)[1].tombstone, held(b)[2] })
    assert.equal(71, #held(c, a:namespace().id))
  end))

  it("of all at once waits its turn at the peer", simulated(function(net, host)
    local a, b = net:cluster(2)
    local c = net:start "c"
    assert(b:connect(net:machine("c").address))
    local tasks = {}
    for i = 1, 3 * host.limits.landings_of_peer do assert(a:store("key " .. i, nodes.bytes(40005, i))) end
    for copy in b:held() do tasks[#tasks + 1] = function() return b:pass(copy, c.id) end end
    for _, ok in ipairs(filo.all(tasks)) do assert.is_true(ok) end
    assert.equal(#tasks, #held(c))
  end))
end)
