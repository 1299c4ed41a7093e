local filo = require "filo"
local in_use = require "spec.support.in_use"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

local BIG = (2 << 20) + 5

local function sorted(list)
  table.sort(list)
  return list
end

---How many of the nodes hold a copy.
local function holders(owner, key, ...)
  local count = 0
  for _, node in ipairs { ... } do
    if nodes.exists(nodes.place(owner, node, key)) then count = count + 1 end
  end
  return count
end

describe("the default policy", function()
  it("makes a copy at every peer, and waits for all", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, size in ipairs { 0, 10, BIG } do
      local receipt = assert(a:store("key", nodes.bytes(size)))
      assert.equal("key", receipt.key)
      assert.equal(size, receipt.size)
      assert.equal(3, receipt.quorum)
      assert.equal(a.id, receipt.copies[1])
      assert.same(sorted { a.id, b.id, c.id }, sorted { table.unpack(receipt.copies) })
      assert.same({}, receipt.pending)
      assert.same({}, receipt.refused)
      assert.equal(3, holders(a, "key", a, b, c))
    end
  end)

  it("is content with this node alone when there are no peers", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local receipt = assert(a:store("key", "content"))
    assert.same({ a.id }, receipt.copies)
    assert.equal(1, receipt.quorum)
  end)
end)

describe("filo.policy.copies", function()
  it("makes so many copies in all, spread over the peers", function()
    local net <close> = nodes.net()
    local a, b, c, d = net:cluster(4, { policy = filo.policy.copies(2) })
    local seen = {}
    for i = 1, 60 do -- of 30, one run in 4,000 gave a peer less than 2
      local receipt = assert(a:store("key " .. i, "content"))
      assert.equal(2, #receipt.copies)
      assert.equal(2, holders(a, "key " .. i, a, b, c, d))
      seen[receipt.copies[2]] = (seen[receipt.copies[2]] or 0) + 1
    end
    for _, node in ipairs { b, c, d } do assert.is_true((seen[node.id] or 0) >= 2) end
  end)

  it("puts the copy of a key where it was before", function()
    local net <close> = nodes.net()
    local a = net:cluster(4, { policy = filo.policy.copies(3) })
    for i = 1, 10 do
      local first = assert(a:store("key " .. i, "1")).copies
      assert.same(sorted(first), sorted(assert(a:store("key " .. i, "2")).copies))
    end
  end)

  it("says when there are not enough peers, and keeps what it has", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { policy = filo.policy.copies(3) })
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal("not_enough_copies", err.code)
    assert.is_true(err.retryable)
    assert.equal("key", err.key)
    assert.equal("2 of 3 copies of 'key' were made (it is stored here): no more peers are connected", tostring(err))
    assert.same(sorted { a.id, b.id }, sorted(err.receipt.copies))
    assert.equal("content", nodes.content(a, "key"))
    assert.equal(2, holders(a, "key", a, b))
  end)

  it("takes a whole number of 1 or more", function()
    for _, n in ipairs { 0, -1, 1.5, "2", {} } do
      raises("policy_spec.lua:%d+: policy.copies: an integer from 1 to 1000000 expected", function() filo.policy.copies(n) end)
    end
  end)
end)

describe("a policy's accept", function()
  local function refusing(reason)
    return { policy = { name = "picky", accept = function() return false, reason end } }
  end

  it("refuses, with the reason in the receipt", function()
    local net <close> = nodes.net()
    for _, size in ipairs { 10, BIG } do
      local picky = { name = "picky", accept = function(offer) return offer.size < 1, "only empty ones" end }
      local a, b, c = net:cluster(3, { policy = { name = "two", quorum = 2 } }, { c = { policy = picky } })
      local receipt = assert(a:store("key", nodes.bytes(size)))
      nodes.wait(function() return #receipt.refused == 1 end, "refusal")
      assert.same(sorted { a.id, b.id }, sorted(receipt.copies))
      assert.equal(c.id, receipt.refused[1].peer)
      assert.matches("refused: only empty ones", receipt.refused[1].reason)
      assert.equal(2, holders(a, "key", a, b, c))
      local copied = nodes.events(a, "copied")
      receipt = assert(a:store("empty", ""))
      copied()
      copied()
      assert.equal(3, #receipt.copies)
      for _, name in ipairs { "a", "b", "c" } do net:stop(name) end
    end
  end)

  it("that refuses is told of with who it was", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3, {}, { b = refusing "full", c = refusing "not today" })
    local _, err = a:store("key", "content")
    local told = {}
    for reason, id in tostring(err):gmatch "refused: ([%l ]+) %(at (%x+)%)" do told[id] = reason end
    assert.same({ [b.id:sub(1, 16)] = "full", [c.id:sub(1, 16)] = "not today" }, told)
  end)

  it("that refuses makes the next peer be asked", function()
    local net <close> = nodes.net()
    for _, size in ipairs { 10, BIG } do
      local a, b, c, d = net:cluster(4, {}, {
        a = { policy = { name = "a test", quorum = 2, place = function(_, peers) return peers, 1 end } },
        b = refusing "full", c = refusing "full",
      })
      for i = 1, 4 do
        local receipt = assert(a:store("key " .. i, nodes.bytes(size)))
        assert.same({ a.id, d.id }, receipt.copies)
        assert.equal(2, holders(a, "key " .. i, a, b, c, d))
      end
      for _, name in ipairs { "a", "b", "c", "d" } do net:stop(name) end
    end
  end)

  it("sees the offer, the peer and the free space", function()
    local net <close> = nodes.net()
    local seen
    local a, b = net:cluster(2, {}, { b = { policy = { name = "a test", accept = function(offer, peer, usage)
      seen = { offer = offer, peer = peer, usage = usage }
      return true
    end } } })
    local receipt = assert(a:store("key", "content"))
    assert.equal(7, seen.offer.size)
    assert.equal(receipt.version, seen.offer.version)
    assert.equal(inside.of(a).namespace, seen.offer.namespace)
    assert.equal(a:key_hash "key", seen.offer.key_hash)
    assert.is_nil(seen.offer.key)
    assert.equal(a.id, seen.peer.id)
    assert.is_true(seen.usage.free > 0 and seen.usage.total >= seen.usage.free)
    assert.is_truthy(b)
  end)

  it("that fails refuses, is reported, and costs nothing else", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, {}, { b = { policy = { name = "broken", accept = in_use.accept(function() error "oops" end) } } })
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal("not_enough_copies", err.code)
    assert.matches("the policy failed", tostring(err))
    assert.is_truthy(net:logged "b error: policy 'broken': accept failed: .*oops")
    assert.equal(1, #b:peers())
  end)
end)

describe("a policy's quorum", function()
  it("decides what store waits for; the rest goes on", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3, { policy = { name = "a test", quorum = 1 } })
    local copied = nodes.events(a, "copied")
    local receipt = assert(a:store("key", nodes.bytes(BIG)))
    assert.equal(1, receipt.quorum)
    assert.is_true(#receipt.pending + #receipt.copies == 3)
    copied()
    copied()
    assert.same({ 3, 0 }, { #receipt.copies, #receipt.pending })
    assert.equal(3, holders(a, "key", a, b, c))
  end)

  it("may be a function of the object and the peers placed", function()
    local net <close> = nodes.net()
    local seen
    local a = net:cluster(3, {}, { a = { policy = { name = "a test", quorum = function(object, placed)
      seen = { key = object.key, size = object.size, placed = #placed }
      return 2
    end } } })
    assert.equal(2, assert(a:store("key", "12345")).quorum)
    assert.same({ key = "key", size = 5, placed = 2 }, seen)
  end)

  it("that cannot be reached is an error with the receipt; what was there before is replaced all the same", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, {}, { a = { policy = { name = "a test", quorum = 5 } } })
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal("not_enough_copies", err.code)
    assert.equal(2, #err.receipt.copies)
    assert.equal(5, err.receipt.quorum)
  end)
end)

describe("a policy's place", function()
  it("sees the object and the peers, which it may reorder", function()
    local net <close> = nodes.net()
    local seen
    local a, b, c = net:cluster(3, {}, {
      a = { policy = { name = "a test", place = function(object, peers)
        seen = object
        table.sort(peers, function(x, y) return (x.zone or "") < (y.zone or "") end)
        return peers, 1
      end } },
      b = { about = { zone = "2" } }, c = { about = { zone = "1" } },
    })
    local receipt = assert(a:store("key", "content"))
    assert.same({ a.id, c.id }, receipt.copies)
    assert.equal("key", seen.key)
    assert.equal(7, seen.size)
    assert.equal(receipt.version, seen.version)
    assert.equal(32, #seen.key_hash)
    assert.equal(inside.of(a).namespace, seen.namespace)
    assert.is_truthy(b)
  end)

  it("may choose nobody", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, {}, { a = { policy = { name = "a test", place = function() return {} end } } })
    assert.same({ a.id }, assert(a:store("key", nodes.bytes(BIG))).copies)
  end)

  it("counts a peer that it names twice once", function()
    local net <close> = nodes.net()
    local policy = { name = "twice", quorum = 3, place = function(_, peers) return { peers[1], peers[1] } end }
    local a = net:cluster(2, {}, { a = { policy = policy } })
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal(2, #err.receipt.copies)
  end)

  it("that fails, or gives something else, is an error; the object is stored here", function()
    local net <close> = nodes.net()
    local answer
    local a = net:cluster(2, {}, { a = { policy = { name = "mine", place = in_use.place(function() return answer() end) } } })
    for _, case in ipairs {
      { function() error "oops" end, "^policy 'mine': place failed: .*policy_spec.lua:%d+: oops %(the object is stored here%)$" },
      { function() return nil end, "^policy 'mine': place must return a list of members" },
      { function() return { "b" } end, "^policy 'mine': place must return a list of members" },
      { function() return { {} } end, "^policy 'mine': place must return a list of members" },
      { function() return {}, "two" end, "^policy 'mine': place must return a number of members" },
    } do
      answer = case[1]
      local receipt, err = a:store("key", nodes.bytes(BIG))
      assert.is_nil(receipt)
      assert.equal("invalid", err.code)
      assert.matches(case[2], tostring(err))
      assert.equal(BIG, #nodes.content(a, "key"))
    end
  end)

  it("that fails is told of in the log, once a while", function()
    local net <close> = nodes.net()
    local a = net:start("a", { policy = { name = "mine", place = in_use.place(function() error "oops" end) } })
    for _ = 1, 2 do assert.is_nil((a:store("key", "content"))) end
    local told = {}
    for _, line in ipairs(net.lines) do told[#told + 1] = line:match "policy 'mine': place failed: .*policy_spec.lua:%d+: (oops)" end
    assert.same({ "oops" }, told)
  end)
end)

describe("a policy", function()
  it("is checked when the node is made", function()
    local net <close> = nodes.net()
    for _, case in ipairs {
      { { places = print }, "policy: unknown field 'places'; did you mean 'place'?" },
      { { colour = "red" }, "policy: unknown field 'colour'; known are: accept, grace, keep_versions, name, place, quorum" },
      { { place = 5 }, "policy: 'place' must be a function, not 5" },
      { { accept = true }, "policy: 'accept' must be a function, not a boolean" },
      { { quorum = "all" }, "policy: 'quorum' must be an integer or a function, not a string" },
      { { quorum = 1.5 }, "policy: 'quorum' must be an integer or a function, not 1.5" },
      { { name = "x", quorum = -1 }, "policy: 'quorum' must be 0 or more, not %-1" },
      { { name = "x", grace = -1 }, "policy: 'grace' must be seconds, 0 or more, not %-1" },
      { { name = 5 }, "policy: 'name' must be a string, not 5" },
      { { name = "" }, "policy: its name is empty" },
      { {}, "policy: it has no name: give it one" },
      { { place = print }, "policy %(%[C%]:%-1%): it has no name" },
    } do
      raises("policy_spec.lua:%d+: filo.node: " .. case[2], function()
        local node = filo.node { root = net.folder:file "x", policy = case[1] }
        return node
      end)
    end
  end)
end)
