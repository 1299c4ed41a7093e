local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

-- What a node kept for others was bounded by its disk alone: one owner could take all of it, or one member that made a new namespace for
-- each object.

local KIB, BLOCK = 1024, 4096

---What an object of so many KiB counts.
local function counted(kib) return kib * KIB + BLOCK end

---The only entry of what a node keeps, by owner, member or in all.
local function kept(node, by)
  local found
  for _, usage in ipairs(node:usage(by)) do
    if usage.counted then
      assert.is_nil(found)
      found = usage
    end
  end
  return found or { objects = 0, counted = 0 }
end

---Stores something at one peer, who has to take it.
local function store(node, key, kib, to)
  return node:store(key, nodes.bytes(kib * KIB, #key), { to = to.id })
end

---Gives the node b of a simulated net a quota while it runs.
local function bound(net, quota)
  local machine = net:machine "b"
  machine.options.quota = quota
  net.world:configure(machine)
end

---Why a peer did not take a copy.
local function refusal(receipt, err)
  assert.is_nil(receipt)
  assert.equal("not_enough_copies", err.code)
  return err.receipt.refused[1].reason
end

describe("a quota", function()
  for _, kib in ipairs { 0.25, 20 } do -- in a message, and by a stream
    local function size(count) return ("%.1f KiB"):format(count * (kib + 4)) end

    it(("bounds what is kept for each owner, in objects of %g KiB"):format(kib), simulated(function(net)
      local limit = 2 * counted(kib)
      local a, b, c = net:cluster(3, nil, { b = { quota = { owner = limit } } })
      nodes.peers(b, 1)
      assert(c:connect(b.address))
      for _, key in ipairs { "1", "2" } do assert(store(a, key, kib, b)) end
      assert.equal(("refused: it keeps %s for this owner at most, and has %s, without the %s of this"):format(
        size(2), size(2), kib < 1 and "256 B" or "20.0 KiB"), refusal(store(a, "3", kib, b)))
      assert(store(c, "1", kib, b)) -- another owner
      assert(b:store("own", nodes.bytes(10 * limit))) -- its own is not bounded
      assert.same({ limit, limit }, { b:usage()[2].counted, b:usage()[2].limit })
      assert(store(a, "2", kib, b)) -- no more than it was
      assert(a:delete "1")
      assert(store(a, "3", kib, b))
      refusal(store(a, "4", kib, b))
    end))
  end

  it("bounds what is kept for all, and what each member brings, whatever namespaces it makes", simulated(function(net)
    local a, b, c = net:cluster(3, nil, { b = { quota = { total = counted(50), member = counted(30), members = {} } } })
    assert(c:connect(b.address))
    assert(a:store("of a", nodes.bytes(30 * KIB), { to = b.id }))
    assert.matches("^refused: it keeps 34.0 KiB of what this node brings at most, and has 34.0 KiB", refusal(store(a, "x", 1, b)))
    assert.matches("^refused: it keeps 54.0 KiB for others at most, and has 34.0 KiB", refusal(store(c, "of c", 20, b)))
    assert(store(c, "of c", 14, b))
    assert.same({ counted(30) + counted(14), counted(50) }, { kept(b, "total").counted, kept(b, "total").limit })
    assert.equal(counted(30), b:usage "member"[1].limit)
    -- who brings what others have stored brings it all the same
    assert(a:delete "of a")
    assert.equal(counted(14), kept(b, "total").counted)
    assert(a:store("of a", nodes.bytes(20 * KIB), { to = c.id }))
    local copy
    for each in c:held() do copy = each.tombstone and copy or each end
    local ok, err = c:pass(copy, b.id)
    assert.is_nil(ok)
    assert.matches("of what this node brings at most, and has 18.0 KiB", tostring(err))
    assert(a:replicate("of a", { to = b.id })) -- who has not used his own up may bring it
  end))

  it("is another one for some", simulated(function(net)
    local a, b, c = net:cluster(3)
    assert(c:connect(b.address))
    bound(net, {
      owner = 0, member = "1 GB", owners = { [a:namespace().id:upper()] = "10 KiB", [c:namespace().id] = 1 << 20 },
      members = { [c.id] = 9000 },
    })
    assert(store(a, "key", 6, b))
    refusal(store(a, "more", 0.25, b))
    assert.matches("of what this node brings", refusal(store(c, "key", 6, b)))
    assert(store(c, "key", 1, b))
  end))

  it("lets two offers at once not both take the last of it", simulated(function(net, host)
    local a, b, c = net:cluster(3, nil, { b = { quota = { total = counted(50) } } })
    assert(c:connect(b.address))
    local tasks, done = {}, 0
    for i = 1, 4 do
      tasks[i] = host.spawn_child(function() return store(i % 2 == 0 and a or c, "key " .. i, 20, b) end)
    end
    for _, task in ipairs(tasks) do done = done + (task:join() and 1 or 0) end
    assert.equal(2, done)
    assert.equal(2 * counted(20), kept(b, "total").counted)
    refusal(store(a, "more", 10, b))
    assert(store(a, "more", 2 - BLOCK // KIB + 4, b))
  end))

  it("counts a new version by what it takes more, and whole once nothing lies in its place", simulated(function(net, host)
    local a, b = net:cluster(2, nil, { b = { quota = { owner = counted(30), member = counted(30) } } })
    assert(store(a, "key", 20, b))
    assert(store(a, "key", 30, b))
    refusal(store(a, "key", 31, b))
    assert.equal(counted(30), kept(b, "member").counted)
    assert(store(a, "key", 5, b))
    assert(a:amend("key", { class = 3 }))
    assert.same({ counted(5), counted(5) }, { kept(b).counted, kept(b, "member").counted })
    -- the old one goes while the new one is on its way
    local b_parts = inside.of(b)
    assert(store(a, "key", 30, b))
    local coming = host.spawn_child(function() return store(a, "key", 30, b) end)
    repeat host.sleep(0.001) until b_parts.landings.list[1] and b_parts.landings.list[1].transfer
    local copy
    for each in b:held() do copy = each end
    assert(b:drop(copy))
    refusal(store(a, "other", 1, b))
    assert.is_truthy(coming:join())
    assert.equal(counted(30), kept(b).counted)
  end))

  it("takes no notice of deletions, and does not keep them out", simulated(function(net)
    local a, b = net:cluster(2, nil, { b = { quota = { total = 0 } } })
    for i = 1, 5 do
      refusal(store(a, "key " .. i, 1, b))
      assert(a:delete("key " .. i))
    end
    assert.same({ 0, 5, 0 }, { kept(b).objects, kept(b).deleted, kept(b).counted })
  end))

  it("that is made smaller drops nothing, and takes nothing new until it fits", simulated(function(net)
    local a, b = net:cluster(2)
    for i = 1, 3 do assert(store(a, "key " .. i, 10, b)) end
    bound(net, { owner = counted(10) })
    assert.same({ 3, 3 * counted(10), counted(10) }, { kept(b).objects, kept(b).counted, kept(b).limit })
    refusal(store(a, "key 4", 0.25, b))
    refusal(store(a, "key 3", 11, b))
    assert(store(a, "key 3", 10, b)) -- no more than it was
    assert(a:delete "key 1")
    refusal(store(a, "key 4", 0.25, b))
    assert(a:delete "key 2")
    assert(store(a, "key 3", 5, b))
    assert(store(a, "key 4", 1, b))
    bound(net, nil)
    assert(store(a, "key 5", 100, b))
  end))

  it("tells that a copy is here, where it is, though there is no room for it", simulated(function(net)
    local a, b, c = net:cluster(3, nil, { b = { quota = { member = counted(10) } } })
    assert(c:connect(b.address))
    assert(a:store("key", nodes.bytes(10 * KIB), { to = { b.id, c.id } }))
    assert(store(c, "own", 10, b))
    for copy in c:held() do
      local ok, err = c:pass(copy, b.id)
      assert.same({ nil, "exists" }, { ok, err.code })
    end
    assert(a:replicate("key", { to = b.id }))
  end))

  it("tells hooks of who was refused, once in a while", simulated(function(net, host)
    local a, b = net:cluster(2, nil, { b = { quota = { owner = counted(5) } } })
    local told = {}
    b:on("quota", function(what, peer) told[#told + 1] = { what, peer.id } end)
    for i = 1, 10 do refusal(store(a, "key " .. i, 6, b)) end
    host.sleep(0)
    local what = { what = "owner", owner = a:namespace().id, most = counted(5), has = 0, size = 6 * KIB }
    assert.same({ { what, a.id } }, told)
    assert.equal(1, net:logged "^b warning: a copy from peer .* was refused: it keeps 9.0 KiB for this owner at most, and has 0 B")
    host.sleep(61)
    refusal(store(a, "key", 6, b))
    host.sleep(0)
    assert.equal(2, #told)
  end))

  it("stands in node.lua as a table that makes sense", function()
    local net <close> = nodes.net()
    local function wrong(message, quota)
      raises("filo.node: " .. message, function() net:try("a", { quota = quota }) end)
    end
    wrong("quota: 'total' must be a number of bytes, or a text such as \"100 GB\", not '5 apples'", { total = "5 apples" })
    wrong("quota: 'owner' must be a number of bytes, or a text such as \"100 GB\", not '%-1'", { owner = -1 })
    wrong("quota: unknown option 'totl'; did you mean 'total'?", { totl = 1 })
    wrong("quota: 'owners' must be by IDs of 64 hex digits, not 'me'", { owners = { me = 1 } })
    wrong("quota: 'members': '" .. ("a"):rep(64) .. "' must be a number of bytes", { members = { [("a"):rep(64)] = "x" } })
    local a = net:start("a", { quota = { total = "1.5 GB" } })
    assert.equal(1500000000, a:usage "total"[1].limit)
    raises("usage: 'owner', 'member' or 'total' expected", a.usage, a, "all")
  end)
end)

describe("a policy", function()
  it("is told what is kept, in all, for the owner and of the member", simulated(function(net)
    local told
    local policy = { name = "looks", accept = function(_, _, usage)
      told = usage
      return true
    end }
    local a, b, c = net:cluster(3, nil, { b = { policy = policy } })
    assert(c:connect(b.address))
    assert(store(a, "key", 10, b))
    assert.same({ 0, 0 }, { told.objects, told.owner.bytes })
    assert(store(c, "key", 20, b))
    assert(store(c, "more", 20, b))
    assert.same({
      objects = 2, bytes = 30 * KIB, owner = { objects = 1, bytes = 20 * KIB }, member = { objects = 1, bytes = 20 * KIB },
      free = told.free, total = told.total,
    }, told)
  end))
end)

describe("what counts for a quota", function()
  it("is the same once the node was started again, and when its catalogue is made anew", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, nil, { b = { quota = { owner = counted(300), member = counted(300) }, durability = "full" } })
    local of_a = a:namespace().id
    for i = 1, 5 do assert(store(a, "key " .. i, i * 10, b)) end
    assert(a:delete "key 1")
    local before = { b:usage(), b:usage "member", b:usage "total" }
    assert.equal(4 * BLOCK + 140 * KIB, kept(b).counted)
    for _, anew in ipairs { false, true } do
      net.options.b.listen = b.address
      net:stop "b"
      if anew then os.remove(net.options.b.root .. "/catalogue") end
      b = net:restart "b"
      assert.same(before, { b:usage(), b:usage "member", b:usage "total" })
    end
    assert.equal(of_a, b:usage()[1].owner)
    nodes.peer(b, a.id)
  end)

  it("is known without a catalogue, too", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, nil, { b = { quota = { owner = counted(20) } } })
    assert(store(a, "key", 10, b))
    local before = { b:usage(), b:usage "member" }
    net.options.b.listen = b.address
    net:stop "b"
    os.remove(net.options.b.root .. "/catalogue")
    assert(lfs.mkdir(net.options.b.root .. "/catalogue"))
    b = net:restart "b"
    nodes.peer(a, b.id)
    assert.same(before, { b:usage(), b:usage "member" })
    assert(store(a, "key", 20, b))
    refusal(store(a, "more", 1, b))
  end)
end)

describe("a peer that lies", function()
  ---Content that fills a block, under a name of its own, of whoever has the keys.
  local function brings(keys, name)
    local forged = forge(keys, { content = ("x"):rep(BLOCK), key_hash = (name .. (" "):rep(32)):sub(1, 32) })
    return "store", { record = forged.record, body = forged.hashes .. forged.content }
  end

  it("gets no more room with a namespace for each object, nor with another node ID", function()
    local net <close> = nodes.net()
    local b = net:start("b", { quota = { total = 10 * counted(4), member = 4 * counted(4), owner = counted(4) } })
    b:usage() -- it has counted: strangers do not come again when it is busy
    for _, taken in ipairs { 4, 4, 2, 0 } do
      local stranger <close> = strangers.meet(b)
      for i = 1, taken do assert(stranger:ask(brings(strangers.forged().keys, "object " .. i))) end
      assert.equal("no_space", (stranger:refusal(brings(strangers.forged().keys, "one more"))))
    end
    assert.same({ 10, 10 * counted(4) }, { kept(b, "total").objects, kept(b, "total").counted })
  end)

  it("holds room only as long as its offers stand, and none for what it did not sign", function()
    local net <close> = nodes.net()
    local limit = 100 << 20
    local b = net:start("b", { quota = { owner = limit } })
    b:usage()
    do
      local stranger <close> = strangers.meet(b)
      local function offer(size, name) return "offer", { record = stranger:record { size = size, key_hash = name:rep(32) } } end
      assert.equal("no_space", (stranger:refusal(offer(1 << 47, "x"))))
      assert.equal(0, stranger:ask(offer(60 << 20, "a")).want)
      assert.equal("no_space", (stranger:refusal(offer(60 << 20, "b"))))
      assert.equal(0, stranger:ask(offer(30 << 20, "c")).want)
      local owner = strangers.forged()
      assert.equal("corrupt", (stranger:refusal("offer", {
        record = forge(owner.keys, { size = 90 << 20, signature = ("s"):rep(64) }).record,
      })))
      assert.equal(0, stranger:ask("offer", { record = forge(owner.keys, { size = 90 << 20 }).record }).want)
    end
    nodes.peers(b, 0)
    nodes.wait(function() return inside.of(b).quotas:amount("total").objects == 0 end, "room")
  end)
end)
