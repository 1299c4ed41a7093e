---What would move, and moving it.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

local HOUR, OBJECTS = 3600, 60

local function start(net, names, options)
  local a
  for name in names:gmatch "." do
    local given = { bootstrap = a and { a.address } or nil }
    for option, value in pairs(options) do given[option] = value end
    local node = net:start(name, given)
    a = a or node
  end
  return a
end

---Four nodes with objects, two copies of each; and one that came later.
local function grown(net, host)
  local options = { policy = filo.policy.copies(2) }
  local a = start(net, "abcd", options)
  host.sleep(10)
  for i = 1, OBJECTS do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
  local e = net:start("e", { policy = options.policy, bootstrap = { a.address } })
  host.sleep(HOUR)
  return a, e
end

local function of(plan, id)
  for _, each in ipairs(plan.members) do
    if each.node == id then return each end
  end
end

---How many copies of the owner's a simulated machine has.
local function held(net, owner, name)
  local parts, count = inside.of(owner), 0
  for i = 1, OBJECTS do
    local file = net:machine(name).disk:file(parts.namespace, parts.names:path(parts.names:hash("key " .. i)))
    count = count + (file and 1 or 0)
  end
  return count
end

local function all(net, owner)
  local list = {}
  for name in ("bcde"):gmatch "." do list[#list + 1] = held(net, owner, name) end
  return list
end

local function sum(list)
  local total = 0
  for _, each in ipairs(list) do total = total + each end
  return total
end

describe("node:plan", function()
  it("tells what a member that has come would get, and from whom, and moves nothing", simulated(function(net, host)
    local a, e = grown(net, host)
    local before = all(net, a)
    local plan = a:plan()
    assert.same({ OBJECTS, OBJECTS * 1000, 0, 0 }, { plan.objects, plan.bytes, plan.below, plan.lacking })
    assert.is_true(plan.moving > 5 and plan.moving < 25, plan.moving) -- a quarter of 60 would be even
    assert.same({ 0, plan.moving, plan.moving * 1000 }, { of(plan, e.id).objects, of(plan, e.id).objects_after, plan.moving_bytes })
    local moved, after = 0, 0
    for _, way in ipairs(plan.moves) do
      assert.equal(e.id, way.to)
      assert.is_true(way.from ~= a.id and way.from ~= e.id)
      moved = moved + way.objects
    end
    for _, each in ipairs(plan.members) do after = after + each.objects_after end
    assert.same({ plan.moving, 2 * OBJECTS }, { moved, after })
    host.sleep(HOUR)
    assert.same(before, all(net, a))
    assert.equal(plan.id, a:plan().id)
  end))

  it("tells what would be under another policy, and what is wrong with one", simulated(function(net, host)
    local a = grown(net, host)
    local plan = a:plan(filo.policy.copies(3))
    assert.same({ "3 copies", OBJECTS, 0 }, { plan.policy, plan.below, plan.lacking })
    assert.is_true(plan.moving >= OBJECTS)
    assert.equal(OBJECTS, a:plan(filo.policy.copies(9)).lacking)
    assert.not_equal(plan.id, a:plan().id)
    raises("it has no name", a.plan, a, { place = function(_, members) return members end })
  end))
end)

describe("node:apply", function()
  it("moves what was planned, once the members are still the same, and others drop theirs", simulated(function(net, host)
    local a = grown(net, host)
    local plan = a:plan()
    assert.matches("see 'filo plan'", refused("invalid", a:apply "0badcafe"))
    local before = all(net, a)
    local state = assert(a:apply(plan.id))
    assert.same({ "moving", plan.moving }, { state.what, state.total })
    host.sleep(60)
    assert.same({ "done", plan.moving }, { a:applied().what, a:applied().made })
    assert.equal(plan.moving, held(net, a, "e"))
    assert.equal(sum(before) + plan.moving, sum(all(net, a)))
    host.sleep(4 * HOUR)
    assert.equal(OBJECTS, sum(all(net, a))) -- beside the owner's
    assert.equal(plan.moving, held(net, a, "e"))
    assert.equal(0, a:plan().moving)
    assert.equal(0, assert(a:apply(a:plan().id)).total) -- once more
    for i = 1, OBJECTS do assert.equal(nodes.bytes(1000, i), nodes.content(a, "key " .. i)) end
  end))

  it("can be taken back", simulated(function(net, host)
    local a = grown(net, host)
    local before = all(net, a)
    assert.matches("no plan was applied", refused("not_found", a:apply { revert = true }))
    assert(a:apply(a:plan().id))
    host.sleep(4 * HOUR)
    assert.not_same(before, all(net, a))
    assert(a:apply { revert = true })
    host.sleep(HOUR)
    assert.same({ "reverted", 0 }, { a:applied().what, a:applied().made })
    host.sleep(4 * HOUR)
    assert.same(before, all(net, a))
    refused("invalid", a:apply { revert = true })
  end))

  it("stops when the members are others, goes on when it is told to, also in another process", simulated(function(net, host)
    local a, e = grown(net, host)
    local plan = a:plan()
    net:cut("a", "e")
    assert(a:apply(plan.id))
    refused("exists", a:apply(plan.id))
    assert(a:apply { pause = true })
    assert.equal("paused", a:applied().what)
    a = net:restart "a"
    net:mend("a", "e")
    host.sleep(600)
    assert.equal("paused", a:applied().what)
    assert(a:forget(e.id))
    assert(a:apply { continue = true })
    host.sleep(60)
    assert.same({ "paused", "the members, or the policy, are others than when it was planned: see 'filo plan'" },
      { a:applied().what, a:applied().problem })
    assert(a:forget(e.id, { undo = true }))
    host.sleep(600)
    assert(a:apply { continue = true })
    host.sleep(60)
    assert.same({ "done", plan.moving }, { a:applied().what, a:applied().made })
    raises("apply: the ID of a plan expected", a.apply, a, {})
  end))

  -- Just after a start nobody is connected, and so there was nothing to do.
  it("goes on after a restart, and waits for who is away", simulated(function(net, host)
    local a = grown(net, host)
    local plan = a:plan()
    assert(a:apply(plan.id))
    a = net:restart "a"
    host.sleep(HOUR)
    assert.same({ "done", plan.moving }, { a:applied().what, held(net, a, "e") })
  end))

  it("is taken back also while it moves, and by who is away later", simulated(function(net, host)
    local a = grown(net, host)
    assert(a:apply(a:plan().id))
    while a:applied().made < 2 do host.sleep(0.001) end
    assert(a:apply { revert = true })
    net:cut("a", "e")
    host.sleep(600)
    assert.same({ "reverting", true }, { a:applied().what, a:applied().made > 0 })
    assert.matches("is not connected", (next(a:applied().reasons)))
    net:mend("a", "e")
    host.sleep(4 * HOUR) -- whoever relies on a copy does so for an hour or two
    assert.same({ "reverted", 0 }, { a:applied().what, held(net, a, "e") })
  end))

  it("is begun once where it is begun twice at once, and made anew where members have come", simulated(function(net, host)
    local a = grown(net, host)
    local id, results = a:plan().id, {}
    for i = 1, 2 do
      host.spawn(function() results[i] = a:apply(id) or "refused" end)
    end
    host.sleep(0.001)
    a:apply { pause = true }
    host.sleep(60)
    assert.is_true(results[1] == "refused" or results[2] == "refused")
    net:start("f", { policy = filo.policy.copies(2), bootstrap = { a.address } })
    host.sleep(HOUR)
    local plan = a:plan()
    if a:applied().what == "paused" then assert(a:apply { continue = true }) end
    host.sleep(60)
    assert(a:apply(plan.id))
    host.sleep(HOUR)
    assert.equal("done", a:applied().what)
    assert.equal(0, a:plan().moving)
  end))
end)
