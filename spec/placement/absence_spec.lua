---A plan, with members that are away or draining.

local filo = require "filo"
local plan = require "filo.placement.plan"
local policy = require "filo.placement.policy"

local OBJECT = { key_hash = ("k"):rep(32), version = 5000, size = 10, class = 0 }

local function member(id, state, since, more)
  local made = { id = id, state = state or "up", since = since or 100, tags = {}, about = {}, addresses = {} }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

---As a node calls it.
local function call(fn, ...) return fn(...) end

local IN_ORDER = { name = "in order", place = function(_, members) return members, 2 end }

---A plan for members, of whom those named hold a copy.
local function make(of, members, holders, how)
  local copies = { { node = "me", version = OBJECT.version } }
  for _, id in ipairs(holders or {}) do copies[#copies + 1] = { node = id, version = OBJECT.version } end
  local given = {
    policy = policy.complete(call, of), object = OBJECT, members = members, here = member "me", unreached = {}, holders = copies,
  }
  for name, value in pairs(how or {}) do given[name] = value end
  return assert(plan.make(given))
end

local function away_in(made)
  local ids = {}
  for i, each in ipairs(made.away) do ids[i] = each.node end
  return ids
end

describe("a member that is away", function()
  it("keeps its place for a while, and then the next in rank takes it", function()
    local function members(seconds) return { member "a", member("b", "away", seconds), member "c" } end
    for _, seconds in ipairs { 0, 20, 599 } do
      local made = make(IN_ORDER, members(seconds))
      assert.same({ { "a" }, { "b" }, 3, false }, { made.make, away_in(made), made.quorum, made.enough })
    end
    local made = make(IN_ORDER, members(600))
    assert.same({ { "a", "c" }, {}, 3 }, { made.make, away_in(made), made.quorum })
  end)

  it("keeps it for as long as the policy says", function()
    local patient = filo.policy.with({ grace = 7200 }, IN_ORDER)
    local members = { member "a", member("b", "away", 7199), member "c" }
    assert.same({ "a" }, make(patient, members).make)
    members[2].since = 7200
    assert.same({ "a", "c" }, make(patient, members).make)
    assert.same({ "a", "c" }, make(filo.policy.with({ grace = 0 }, IN_ORDER), { member "a", member("b", "away", 0), member "c" }).make)
  end)

  it("has a copy that counts meanwhile, and does not after that", function()
    local members = { member "a", member("b", "away", 20), member "c" }
    local made = make(IN_ORDER, members, { "b" })
    assert.same({ { "b" }, { "a" }, { "me", "b" }, {} }, { made.held, made.make, made.copies, away_in(made) })
    assert.is_true(make(IN_ORDER, members, { "a", "b" }).enough)
    members[2].since = 600
    made = make(IN_ORDER, members, { "a", "b" })
    assert.same({ { "a" }, { "c" }, { "me", "a" }, false }, { made.held, made.make, made.copies, made.enough })
    assert.is_true(made.may_drop)
    assert.is_false(make(IN_ORDER, members, { "b" }).may_drop)
  end)

  -- A machine that starts anew would have had stores fail for ten minutes, and what they store be at one node less.
  it("gets no place of what was just made, since it cannot have that", function()
    local made = make(IN_ORDER, { member "a", member("b", "away", 20), member "c" }, {}, { fresh = true })
    assert.same({ { "a", "c" }, {}, 3 }, { made.make, away_in(made), made.quorum })
    made = make(IN_ORDER, { member "a", member("b", "away", 20), member "c" }, { "b" }, { fresh = true }) -- it got it, and went
    assert.same({ { "b" }, { "a" } }, { made.held, made.make })
  end)

  it("is missing where a policy wants a copy everywhere, however long it is away, and is told of", function()
    for _, seconds in ipairs { 20, 100000 } do
      for _, fresh in ipairs { true, false } do
        local members = { member "a", member("b", "away", seconds, { name = "home" }) }
        local made = make(nil, members, { "a" }, { fresh = fresh })
        assert.same({ {}, { "b" }, 2, 3, false }, { made.make, away_in(made), made.wanted, made.quorum, made.enough })
        assert.same({ { node = "b", name = "home", since = seconds } }, made.away)
      end
    end
    local made = make(nil, { member("b", "away", 75, { name = "home" }) })
    assert.equal("1 of 2 copies are known of, home (node b) is away for 1:15", plan.explain(made))
    made = make(nil, { member("b", "away", 100000, { name = "home" }) })
    assert.matches("home %(node b%) is away for 27:46:40 %('filo forget b' if it is gone for good%)$", plan.explain(made))
  end)

  it("is told of where there are too few others", function()
    local made = make(IN_ORDER, { member "a", member("b", "away", 100000) }, { "a" })
    assert.same({ {}, { "b" }, 3, false }, { made.make, away_in(made), made.quorum, made.enough })
    made = make(IN_ORDER, { member "a", member("b", "away", 100000), member "c" }, { "a", "c" })
    assert.same({ {}, true }, { away_in(made), made.enough })
  end)

  it("is told of by one name, not by its address, too", function()
    local members = { member("b", "away", 20, { addresses = { "10.0.0.1:7171" } }) }
    local made = make(nil, members, {}, { unreached = { "10.0.0.1:7171", "10.0.0.2:7171" } })
    assert.same({ { "10.0.0.2:7171" }, { "b" } }, { made.unreached, away_in(made) })
  end)

  it("leaves its zone to another of that zone, once it is gone", function()
    local spread = filo.policy.zones { copies = 3, zones = 3 }
    local members = {
      member("a1", "up", 1, { zone = "a" }), member("a2", "up", 1, { zone = "a" }), member("b1", "away", 700, { zone = "b" }),
      member("b2", "up", 1, { zone = "b" }),
    }
    local made = make(spread, members, {}, { here = member("me", "up", 1, { zone = "c" }) })
    table.sort(made.make)
    assert.matches("^a%d b2$", table.concat(made.make, " "))
    table.remove(members, 4)
    made = make(spread, members, {}, { here = member("me", "up", 1, { zone = "c" }) })
    assert.same({ "a1", "a2" }, { table.unpack(made.make) })
    assert.equal("there are copies in 2 zones only, and the policy wants them in 3", made.lacking)
    assert.same({ { "b1" }, false }, { away_in(made), made.enough })
    assert.matches("there are copies in 2 zones only", plan.explain(made))
  end)
end)

describe("a member that is draining", function()
  it("is given nothing, and is no place that is wanted", function()
    local made = make(IN_ORDER, { member("a", "draining"), member "b", member "c" })
    assert.same({ { "b", "c" }, 3 }, { made.make, made.quorum })
    made = make(nil, { member("a", "draining"), member "b" })
    assert.same({ { "b" }, 2 }, { made.make, made.quorum })
  end)

  it("has a copy that counts, and that others are to have", function()
    local made = make(IN_ORDER, { member("a", "draining"), member "b", member "c" }, { "a", "b" })
    assert.same({ { "b" }, { "c" }, { "me", "a", "b" }, true }, { made.held, made.make, made.copies, made.enough })
  end)
end)

describe("why a member has no copy", function()
  it("is told of each", function()
    local members = {
      member "a", member("b", "away", 20), member("c", "away", 7200), member("d", "draining"), member "e", member "f",
    }
    local made = make({ name = "in order", place = function(_, list) return { list[1], list[2], list[3] }, 2 end }, members)
    local why = {}
    for _, each in ipairs(members) do why[each.id] = plan.why_none(made, each.id) end
    assert.same({
      b = "it is away for 0:20, and keeps its place for 9:40", c = "it is away for 2:00:00: the next in rank takes its place",
      d = "it is draining: it is given nothing new", e = "the policy asks for 2 copies at peers, and others come first",
      f = "the policy places none there",
    }, why)
  end)

  it("is told beside the copies, with those that could not be asked", function()
    local members = {
      member("a", "up", 5, { name = "home", zone = "z" }), member("b", "away", 20, { name = "barn" }), member("c", "draining"),
    }
    local made = make(IN_ORDER, members)
    local copies = {
      { node = "me", version = OBJECT.version }, { node = "a", problem = "it has no copy", absent = true },
      { node = "c", problem = "it has no copy", absent = true },
    }
    plan.annotate(made, copies, member("me", "up", 9, { zone = "y" }))
    assert.same({
      { node = "me", version = OBJECT.version, zone = "y", state = "up", since = 9 },
      { node = "a", name = "home", zone = "z", state = "up", since = 5, problem = "it has no copy", absent = true },
      { node = "c", state = "draining", since = 100, problem = "it is draining: it is given nothing new", absent = true, unwanted = true },
      { node = "b", name = "barn", state = "away", since = 20, problem = "it is away for 0:20, and keeps its place for 9:40" },
    }, copies)
  end)
end)

describe("a policy", function()
  it("that names what it cannot meet has not been met, however many copies there are", function()
    local made = make({ name = "picky", place = function(_, members) return members, 1, "there is no tape" end }, { member "a" }, { "a" })
    assert.same({ 2, false, "there is no tape" }, { made.quorum, made.enough, made.lacking })
    assert.equal("2 of 2 copies are known of; there is no tape", plan.explain(made))
  end)
end)
