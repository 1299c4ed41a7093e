---Members that are away, draining or forgotten, as who stores something meets them.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

local NAMES = { a = { about = { name = "a" } }, b = { about = { name = "barn" } }, c = { about = { name = "cellar", zone = "home" } } }

---One copy elsewhere, at the first by name.
local FIRST = {
  name = "the first by name",
  place = function(_, members)
    table.sort(members, function(x, y) return (x.name or x.id) < (y.name or y.id) end)
    return members, 1
  end,
}

---The error that it gives.
local function too_few(receipt, err)
  assert.is_nil(receipt)
  assert.equal("not_enough_copies", err.code)
  return err
end

---What is told of a node's copy.
local function row(node, key, id)
  local plan, copies = assert(node:placement(key))
  for _, copy in ipairs(copies) do
    if copy.node == id then return copy, plan end
  end
end

describe("a member that is away", function()
  -- A copy at nobody was taken for one everywhere: nothing was said.
  it("is missed by a policy that wants a copy everywhere, which names it", simulated(function(net, host)
    local a, b, c = net:cluster(3, {}, NAMES)
    net:stop "c"
    nodes.peers(a, 1)
    host.sleep(75)
    local err = too_few(a:store("key", "content"))
    assert.matches("^2 of 3 copies of 'key' were made %(it is stored here%): cellar %(node " .. c.id:sub(1, 16) .. "%) is away for 1:%d%d$",
      tostring(err))
    assert.same({ a.id, b.id }, err.receipt.copies)
    local away = err.receipt.away[1]
    assert.same({ c.id, "cellar", true }, { away.node, away.name, away.since >= 75 and away.since < 90 })
    local copy, plan = row(a, "key", c.id)
    assert.same({ "cellar", "home", "away" }, { copy.name, copy.zone, copy.state })
    assert.matches("^it is away for 1:%d%d, and keeps its place for 8:%d%d$", copy.problem)
    assert.same({ false, {}, c.id }, { plan.enough, plan.make, plan.away[1].node })
    net:restart "c"
    nodes.peers(a, 2)
    assert.equal(3, #assert(a:replicate "key").copies)
  end))

  it("keeps its copies for a while, and then the next has them", simulated(function(net, host)
    local a, b, c = net:cluster(3, { policy = FIRST }, NAMES)
    assert.same({ a.id, b.id }, assert(a:store("key", "content")).copies)
    net:stop "b"
    nodes.peers(a, 1)
    host.sleep(300)
    local err = too_few(a:replicate "key")
    assert.same({ { a.id }, b.id }, { err.receipt.copies, err.receipt.away[1].node })
    assert.same({ a.id, c.id }, assert(a:store("new", "content")).copies)
    host.sleep(301)
    assert.same({ a.id, c.id }, assert(a:replicate "key").copies)
  end))

  it("is not asked for any more once it was forgotten", simulated(function(net)
    local a, b, c = net:cluster(3, {}, NAMES)
    net:stop "c"
    nodes.peers(a, 1)
    too_few(a:store("key", "content"))
    assert(a:forget(c.id))
    assert.same({ a.id, b.id }, assert(a:store("key", "content")).copies)
  end))
end)

describe("a member that is draining", function()
  it("is given nothing, and what it has counts", simulated(function(net)
    local a, b, c = net:cluster(3, {}, NAMES)
    assert.equal(3, #assert(a:store("key", "content")).copies)
    inside.of(a).peer_list.members.roster:decide(b.id, "draining", inside.of(a).keys)
    assert.same({ a.id, c.id }, assert(a:store("new", "content")).copies)
    local copy, plan = row(a, "new", b.id)
    assert.same({ "draining", "it is draining: it is given nothing new", true }, { copy.state, copy.problem, copy.unwanted })
    assert.is_true(plan.enough)
    assert.equal(3, #select(2, row(a, "key", b.id)).copies)
  end))
end)

describe("a member that is in no zone that is wanted", function()
  it("does not make up for one that is", simulated(function(net)
    local a, b = net:cluster(2, { policy = filo.policy.zones { copies = 2, zones = 2 } },
      { a = { about = { zone = "home" } }, b = { about = { zone = "home" } } })
    local err = too_few(a:store("key", "content"))
    assert.same({ a.id, b.id }, err.receipt.copies)
    assert.equal("2 of 2 copies of 'key' were made (it is stored here): there are copies in 1 zone only, and the policy wants them in 2",
      tostring(err))
  end))
end)

-- A store right after a start, or while a line flapped, failed: members were known of, and their connections a moment away.
describe("a member that has just gone, or is only just known of", function()
  it("is waited for a moment", simulated(function(net, host)
    local a, _, c = net:cluster(3, {}, NAMES)
    nodes.peers(c, 2)
    for key, size in pairs { small = 10, large = 100000 } do
      net:stop "c"
      nodes.peers(a, 1)
      local storing = host.spawn_child(a.store, a, key, nodes.bytes(size)):observe()
      host.sleep(2)
      net:restart "c"
      assert.equal(3, #assert(storing:join()).copies)
      nodes.peers(a, 2)
    end
    net:stop "c"
    nodes.peers(a, 1)
    local began = host.now()
    assert.equal(2, #too_few(a:store("key", "content")).receipt.copies)
    assert.is_true(host.now() - began > 4 and host.now() - began < 6)
    began = host.now()
    too_few(a:store("key", "content"))
    assert.is_true(host.now() - began < 1)
  end))

  it("gets its copy, were it the only one", simulated(function(net, host)
    local a = net:cluster(2, {}, NAMES)
    for key, size in pairs { small = 10, large = 100000 } do
      net:stop "b"
      nodes.peers(a, 0)
      local storing = host.spawn_child(a.store, a, key, nodes.bytes(size)):observe()
      host.sleep(1)
      local b = net:restart "b"
      assert.same({ a.id, b.id }, assert(storing:join()).copies)
      nodes.peers(a, 1)
    end
  end))
end)
