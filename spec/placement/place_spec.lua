-- What a policy's `place` is told of an object and of who holds it, and when it is asked.

local filo = require "filo"
local in_use = require "spec.support.in_use"
local nodes = require "spec.support.nodes"

local BIG = (2 << 20) + 5

local function sorted(list)
  table.sort(list)
  return list
end

---In zones, as the configuration of each node says.
local function zone(name, more)
  local options = { about = { zone = name } }
  for option, value in pairs(more or {}) do options[option] = value end
  return options
end

---One copy in each zone: where there is one already, else anywhere in it.
local function one_a_zone(_, peers)
  local has, list = {}, {}
  for _, holding in ipairs { true, false } do
    for _, peer in ipairs(peers) do
      if peer.holds == holding and not has[peer.zone or ""] then
        has[peer.zone or ""] = true
        list[#list + 1] = peer
      end
    end
  end
  return list
end

describe("a policy's place", function()
  -- It was asked once: a peer that refused was replaced by the next of its list, in whatever zone that was.
  it("is asked again without a peer that refused, and says who of the others comes next", function()
    local net <close> = nodes.net()
    local full = { policy = { name = "a test", accept = function() return false, "full" end } }
    for _, size in ipairs { 10, BIG } do
      local a, b1, b2, c, d = net:cluster(5, {}, {
        a = { policy = { name = "a test", place = one_a_zone } }, b = zone("b", full), c = zone("b", full), d = zone "b", e = zone "c",
      })
      local receipt = assert(a:store("key", nodes.bytes(size)))
      assert.same(sorted { a.id, c.id, d.id }, sorted(receipt.copies))
      for _, each in ipairs(receipt.refused) do assert.is_true(each.peer == b1.id or each.peer == b2.id) end
      for _, name in ipairs { "a", "b", "c", "d", "e" } do net:stop(name) end
    end
  end)

  it("is not given a peer that refused, and is told who holds a copy or is being sent one", function()
    local net <close> = nodes.net()
    local asked = {}
    local function place(_, peers) -- to be pure it is asked some things twice
      local holds, last = {}, asked[#asked]
      for _, peer in ipairs(peers) do holds[peer.id] = peer.holds end
      if not last or not pcall(assert.same, last, holds) then asked[#asked + 1] = holds end
      return peers
    end
    local a, b, c = net:cluster(3, {}, {
      a = { policy = { name = "x", place = in_use.place(place), quorum = 2 } },
      b = { policy = { name = "x", accept = function() return false, "full" end } },
    })
    local stored = nodes.events(a, "stored")
    assert(a:store("key", "content"))
    stored()
    nodes.wait(function() return #asked == 2 end, "question")
    assert.same({ { [b.id] = false, [c.id] = false }, { [c.id] = true } }, asked)
  end)

  -- A policy that goes by free space chose another peer each time, and each time there was a copy more.
  it("is told who has a copy already, so that replicating makes no more than it asks for", function()
    local net <close> = nodes.net()
    local first, told
    local function place(_, peers)
      told = {}
      for _, peer in ipairs(peers) do told[peer.id] = peer.holds end
      table.sort(peers, function(x, y) return (x.id == first) and x.id ~= y.id end)
      return peers, 1
    end
    local a, b, c = net:cluster(3, {}, { a = { policy = { name = "a test", place = place } } })
    for key, content in pairs { small = "content", large = nodes.bytes(BIG) } do
      first = b.id
      assert.same({ a.id, b.id }, assert(a:store(key, content)).copies)
      first = c.id
      assert.same({ a.id, b.id }, assert(a:replicate(key)).copies)
      assert.same({ [b.id] = true, [c.id] = false }, told)
      assert.is_false(nodes.exists(nodes.place(a, c, key)))
      assert.same({}, assert(a:placement(key)).make)
    end
  end)

  it("sees the fields of an object, whenever it is asked", function()
    local net <close> = nodes.net()
    local seen
    local function place(object, peers)
      seen = object.fields
      return peers, object.fields.copies or 0
    end
    local a, b = net:cluster(2, {}, { a = { policy = { name = "a test", place = place } } })
    assert.same({ a.id, b.id }, assert(a:store("key", "content", { fields = { copies = 1, of = { "me" } } })).copies)
    for _, ask in ipairs { a.replicate, a.placement } do
      seen = nil
      assert(ask(a, "key"))
      assert.same({ copies = 1, of = { "me" } }, seen)
    end
    assert.same({ a.id }, assert(a:store("other", "content")).copies)
    assert.same({}, seen)
  end)

  it("that fails when it is asked again makes no more copies, and is told of", function()
    local net <close> = nodes.net()
    local place = in_use.place(function(_, peers)
      if #peers == 1 then error "oops" end -- one of two has refused
      return peers, 1
    end)
    local full = { policy = { name = "a test", accept = function() return false, "full" end } }
    local a = net:cluster(3, {}, { a = { policy = { name = "mine", place = place } }, b = full, c = full })
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal("not_enough_copies", err.code)
    assert.equal(1, #err.receipt.refused)
    assert.matches("nobody else was asked: policy 'mine': place failed: .*place_spec.lua:%d+: oops", tostring(err))
    assert.matches("policy 'mine': place failed: .*place_spec.lua:%d+: oops", table.concat(net.lines, "\n"))
  end)
end)

describe("filo.policy.copies", function()
  it("leaves a copy where it is, when a peer comes that ranks before it", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, { policy = filo.policy.copies(2) })
    for i = 1, 8 do assert(a:store("key " .. i, "content")) end
    net:start("c", { bootstrap = { a.address } })
    nodes.peers(a, 2)
    for i = 1, 8 do
      local before = assert(a:placement("key " .. i)).copies
      assert.same(before, assert(a:replicate("key " .. i)).copies)
    end
  end)
end)
