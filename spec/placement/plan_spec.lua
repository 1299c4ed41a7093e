---The plan: pure tables in, a plan out.

local plan = require "filo.placement.plan"

local OBJECT = { key_hash = ("k"):rep(32), version = 5, size = 10 }

local function members(...)
  local list = {}
  for i, id in ipairs { ... } do list[i] = { id = id, state = "up", since = 0, addresses = {} } end
  return list
end

---A plan for OBJECT: the policy's `place` gives these IDs and this number.
local function make(given)
  return plan.make {
    policy = {
      name = "p", place = given.place or function() return { ids = given.ids, wanted = given.wanted } end,
      quorum = given.quorum, grace = 600,
    },
    object = OBJECT, members = members(table.unpack(given.members or { "a", "b", "c" })), here = { id = "me", state = "up" },
    unreached = given.unreached or {}, holders = given.holders or { { node = "me", version = 5 } },
  }
end

describe("a plan", function()
  it("is to make copies at all members that the policy names, when it gives no number", function()
    local made = make { ids = { "c", "a", "b" } }
    assert.same({ { "c", "a", "b" }, 3, 4, { "c", "a", "b" } }, { made.order, made.wanted, made.quorum, made.make })
    assert.is_false(made.enough)
  end)

  it("misses members that cannot be reached, where the policy wants a copy at all of them", function()
    local holders, unreached = { { node = "me", version = 5 }, { node = "a", version = 5 } }, { "10.0.0.9:7170" }
    local all = make { ids = { "a" }, holders = holders, unreached = unreached }
    assert.same({ 2, unreached, false }, { all.quorum, all.unreached, all.enough })
    assert.matches("^2 of 2 copies are known of, not reached: 10%.0%.0%.9:7170", plan.explain(all))
    local one = make { ids = { "a" }, wanted = 1, holders = holders, unreached = unreached }
    assert.same({ 2, {}, true }, { one.quorum, one.unreached, one.enough })
  end)

  it("is to make as many as the policy wants, in its order, less those that are there", function()
    local holders = { { node = "me", version = 5 }, { node = "b", version = 6 } }
    local made = make { ids = { "a", "b", "c" }, wanted = 2, holders = holders }
    assert.same({ "a" }, made.make)
    assert.same({ "me", "b" }, made.copies)
    assert.equal("2 of 3 copies are known of, and 1 is to be made", plan.explain(made))
  end)

  it("does not count what is older, deleted, or not there", function()
    local holders = {
      { node = "me", version = 5 }, { node = "a", version = 4 }, { node = "b", version = 9, deleted = true }, { node = "c" },
    }
    assert.same({ "me" }, make({ ids = { "a" }, holders = holders }).copies)
  end)

  it("is enough when there are as many copies as the quorum, which is the policy's own to say", function()
    local holders = { { node = "me", version = 5 }, { node = "x", version = 5 } }
    assert.is_true(make({ ids = {}, quorum = 2, holders = holders }).enough)
    assert.is_false(make({ ids = { "a" }, quorum = 3, holders = holders }).enough)
    assert.is_true(make({ ids = { "a", "b" }, quorum = function(_, placed) return #placed end, holders = holders }).enough)
  end)

  it("wants no more copies than there are members", function()
    assert.equal(1, make({ ids = { "a" }, wanted = 7 }).wanted)
    assert.equal("1 of 1 copy is known of", plan.explain(make { ids = {} }))
    assert.equal("1 of 9 copies are known of, and there is nobody to hold more", plan.explain(make { ids = {}, quorum = 9 }))
  end)

  it("names each member once", function()
    assert.same({ "b", "a" }, make({ ids = { "b", "a", "b" } }).order)
  end)

  it("says what is wrong with the policy", function()
    for expected, given in pairs {
      ["place must return a list of members"] = { ids = { "stranger" } },
      ["place must return a number of members"] = { ids = { "a" }, wanted = -1 },
      ["quorum must be an integer"] = { ids = { "a" }, quorum = function() return "many" end },
      ["quorum failed: no"] = { ids = { "a" }, quorum = function() error("no", 0) end },
      ["place failed: never"] = { place = function() error("never", 0) end },
    } do
      local made, problem = make(given)
      assert.is_nil(made)
      assert.equal("policy 'p': " .. expected, problem)
    end
  end)
end)

describe("a copy", function()
  it("may go only while another node has one that is no older", function()
    local mine = { node = "me", version = 5 }
    local function others(...)
      local ids = {}
      for i, copy in ipairs(plan.others(OBJECT, { ... }, "me")) do ids[i] = copy.node end
      return ids
    end
    assert.same({}, others(mine))
    assert.same({}, others(mine, { node = "a", version = 4 }, { node = "b" }))
    assert.same({}, others(mine, { node = "a", version = 6, deleted = true }))
    assert.same({ "a" }, others(mine, { node = "a", version = 5 }))
    assert.same({ "a", "b" }, others({ node = "a", version = 6 }, { node = "b", version = 5 }))
    local function may_drop(...) return make({ ids = {}, holders = { ... } }).may_drop end
    assert.is_false(may_drop(mine))
    assert.is_true(may_drop(mine, { node = "a", version = 5 }))
  end)
end)
