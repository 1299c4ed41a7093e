---The policies that come with Filo: what they choose of members, and what they cannot meet.

local filo = require "filo"
local raises = require "spec.support.raises"

local policy = filo.policy

local OBJECT = { key_hash = ("k"):rep(32), version = 5000, size = 10, class = 0 }

local function member(id, zone, tags, holds)
  local set = {}
  for _, tag in ipairs(tags or {}) do set[tag] = true end
  return { id = id, zone = zone, tags = set, about = {}, holds = holds or false, state = "up", since = 0 }
end

local HERE = member("me", "a")

---IDs of those that should hold a copy, sorted; how many are asked for, and what cannot be met.
local function chosen(of, members, object, here)
  local list, wanted, lacking = of.place(object or OBJECT, members, here or HERE)
  local ids = {}
  for i = 1, math.min(wanted or #list, #list) do ids[i] = list[i].id end
  table.sort(ids)
  return table.concat(ids, " "), wanted, lacking
end

local function in_zones(...)
  local list = {}
  for i, zone in ipairs { ... } do list[i] = member(zone .. i, zone ~= "-" and zone or nil) end
  return list
end

local function objects(n)
  local list = {}
  for i = 1, n do list[i] = { key_hash = filo.crypto.digest("sha256", "key " .. i), version = 5000, size = 10, class = i % 256 } end
  return list
end

describe("filo.policy.copies", function()
  it("asks for one less than there should be: one is here", function()
    local ids, wanted, lacking = chosen(policy.copies(3), in_zones("a", "b", "c", "d"))
    assert.same({ 5, 2, nil }, { #ids, wanted, lacking })
    assert.same({ "", 0 }, { chosen(policy.copies(1), in_zones "a") })
  end)
end)

describe("filo.policy.zones", function()
  local three_in_two = policy.zones { copies = 3, zones = 2 }

  it("has one copy at least in another zone than the one here", function()
    for _, object in ipairs(objects(100)) do
      local ids, wanted, lacking = chosen(three_in_two, in_zones("a", "a", "a", "a", "b"), object)
      assert.same({ 2, nil }, { wanted, lacking })
      assert.matches("^a%d b5$", ids)
    end
  end)

  it("takes whoever ranks first where that is in as many zones", function()
    local counts = {}
    for _, object in ipairs(objects(400)) do
      for id in chosen(three_in_two, in_zones("b", "b", "c", "d"), object):gmatch "%w+" do counts[id] = (counts[id] or 0) + 1 end
    end
    for _, id in ipairs { "b1", "b2", "c3", "d4" } do assert.is_true(counts[id] > 150 and counts[id] < 250) end
  end)

  it("is in as many zones as it says, however many there are", function()
    for _, object in ipairs(objects(50)) do
      local ids = chosen(policy.zones { copies = 4, zones = 4 }, in_zones("a", "b", "b", "b", "c", "c", "d"), object)
      assert.matches("^b%d c%d d7$", ids)
    end
  end)

  it("makes all copies, and says what is lacking, where there are not as many zones", function()
    local ids, wanted, lacking = chosen(three_in_two, in_zones("a", "a", "a"))
    assert.same({ 5, 2, "there are copies in 1 zone only, and the policy wants them in 2" }, { #ids, wanted, lacking })
    assert.same({ "b1", 2, nil }, { chosen(three_in_two, in_zones "b") })
  end)

  it("takes those that name no zone for one zone together", function()
    assert.is_nil(select(3, chosen(three_in_two, in_zones("-", "a"))))
    local _, _, lacking = chosen(three_in_two, in_zones("-", "-", "-"), nil, member("me"))
    assert.matches("in 1 zone only", lacking)
  end)

  it("leaves copies where they are as long as they are in as many zones", function()
    for _, object in ipairs(objects(30)) do
      local members = {
        member("a1", "a"), member("a2", "a"), member("b1", "b"), member("b2", "b", nil, true), member("c1", "c", nil, true),
      }
      assert.equal("b2 c1", (chosen(three_in_two, members, object)))
      members = { member("a1", "a", nil, true), member("a2", "a", nil, true), member("b1", "b") }
      assert.matches("^a%d b1$", (chosen(three_in_two, members, object)))
    end
  end)

  it("takes two numbers, and not more zones than copies", function()
    raises("shipped_spec.lua:%d+: policy.zones: option 'zones' is missing", function() policy.zones { copies = 3 } end)
    raises("policy.zones: option 'copies' must be an integer", function() policy.zones { copies = "3", zones = 2 } end)
    raises("shipped_spec.lua:%d+: policy.zones: unknown option 'zone'; did you mean 'zones'?",
      function() policy.zones { copies = 3, zone = 2 } end)
    raises("shipped_spec.lua:%d+: policy.zones: 2 copies cannot be in 3 zones", function() policy.zones { copies = 2, zones = 3 } end)
  end)
end)

describe("filo.policy.tagged", function()
  local members = {
    member("s1", nil, { "ssd" }), member("s2", nil, { "ssd", "phone" }), member("n1"), member("p1", nil, { "phone" }),
  }

  it("gives another policy those only that have the tag, and without() the others", function()
    assert.equal("s1 s2", (chosen(policy.tagged("ssd", policy.everywhere), members)))
    assert.equal("n1 s1", (chosen(policy.without("phone", policy.everywhere), members)))
    assert.equal("s1", (chosen(policy.without("phone", policy.tagged("ssd", policy.everywhere)), members)))
    local ids, wanted = chosen(policy.tagged("ssd", policy.copies(5)), members)
    assert.same({ "s1 s2", 4 }, { ids, wanted })
  end)

  it("says so when nobody has it", function()
    local _, _, lacking = chosen(policy.tagged("tape", policy.everywhere), members)
    assert.equal("there is no member with the tag 'tape'", lacking)
    assert.is_nil(select(3, chosen(policy.tagged("tape", policy.copies(1)), members)))
    assert.is_nil(select(3, chosen(policy.without("ssd", policy.everywhere), {})))
  end)

  it("takes a tag and a policy", function()
    raises("shipped_spec.lua:%d+: policy.tagged: a tag expected", function() policy.tagged(policy.copies(2), "ssd") end)
    raises("shipped_spec.lua:%d+: policy.without: a tag expected", function() policy.without(("x"):rep(65), policy.everywhere) end)
    raises("shipped_spec.lua:%d+: policy.tagged: a policy expected, not a nil", function() policy.tagged "ssd" end)
    raises("policy.tagged: a policy expected, a table with a name", function() policy.tagged("ssd", { place = print }) end)
    raises("policy.without: 'place' of the policy 'x' must be", function() policy.without("a", { name = "x", place = 1 }) end)
  end)
end)

describe("filo.policy.both", function()
  local members = { member("s1", nil, { "ssd" }), member("n1"), member("n2"), member("n3") }
  local two = policy.both(policy.tagged("ssd", policy.copies(2)), policy.without("ssd", policy.copies(2)))

  it("has what either chooses, once", function()
    for _, object in ipairs(objects(20)) do
      local ids, wanted = chosen(two, members, object)
      assert.matches("^n%d s1$", ids)
      assert.equal(2, wanted)
      local ranked = chosen(policy.both(policy.copies(3), policy.copies(2)), members, object)
      assert.equal(chosen(policy.copies(3), members, object), ranked)
    end
    assert.same({ "n1 n2 n3 s1" }, { chosen(policy.both(policy.everywhere, policy.copies(2)), members) })
  end)

  it("asks for those that there are not, too", function()
    assert.same({ "n1", 2, "there is no member with the tag 'ssd'" }, { chosen(two, { members[2] }) })
    local _, wanted, lacking = chosen(policy.both(policy.everywhere, policy.copies(4)), { members[2] })
    assert.same({ nil, "2 members are missing" }, { wanted, lacking })
    _, _, lacking = chosen(policy.both(policy.zones { copies = 2, zones = 2 }, policy.tagged("x", policy.everywhere)), {})
    assert.equal("there are copies in 1 zone only, and the policy wants them in 2; there is no member with the tag 'x'; "
      .. "1 member is missing", lacking)
  end)

  it("leaves it to the whole what is waited for, and what is accepted", function()
    raises("shipped_spec.lua:%d+: policy.both: the policy 'x' has 'quorum', which is for the whole to say", function()
      policy.both(policy.everywhere, { name = "x", quorum = 2 })
    end)
    raises("policy.otherwise: the policy 'x' has 'accept'", function()
      policy.otherwise({ name = "x", accept = print }, policy.everywhere)
    end)
  end)
end)

describe("filo.policy.otherwise", function()
  it("is the second only while the first cannot be met", function()
    local ssd = policy.otherwise(policy.tagged("ssd", policy.copies(3)), policy.copies(2))
    local members = { member("s1", nil, { "ssd" }), member("s2", nil, { "ssd" }), member("n1") }
    assert.same({ "s1 s2", 2 }, { chosen(ssd, members) })
    table.remove(members, 1)
    local ids, wanted = chosen(ssd, members)
    assert.same({ 2, 1 }, { #ids, wanted })
    local spread = policy.otherwise(policy.zones { copies = 2, zones = 2 }, policy.everywhere)
    assert.same({ "b2", 1 }, { chosen(spread, in_zones("a", "b")) })
    assert.same({ "a1 a2" }, { chosen(spread, in_zones("a", "a")) })
  end)
end)

describe("filo.policy.classify", function()
  it("asks the policy of the object's class", function()
    local members = in_zones("a", "b", "c")
    local by_class = policy.classify { [1] = policy.everywhere, [7] = policy.copies(1), default = policy.copies(2) }
    for class, expected in pairs { [0] = 1, [1] = 3, [7] = 0, [8] = 1 } do
      local object = { key_hash = OBJECT.key_hash, class = class }
      local list, wanted = by_class.place(object, members, HERE)
      assert.equal(expected, math.min(wanted or #list, #list))
    end
  end)

  it("waits for what that policy says", function()
    local by_class = policy.classify {
      [1] = policy.with({ quorum = 1 }, policy.everywhere), default = policy.copies(2),
      [2] = { name = "mine", quorum = function(object, placed) return object.size + #placed end },
    }
    assert.equal(1, by_class.quorum({ class = 1 }, {}))
    assert.equal(12, by_class.quorum({ class = 2, size = 10 }, { 1, 2 }))
    assert.is_nil(by_class.quorum({ class = 3 }, {}))
    assert.is_nil(policy.classify({ default = policy.copies(2) }).quorum)
  end)

  it("takes classes and a default", function()
    raises("shipped_spec.lua:%d+: policy.classify: 'default' is missing", function() policy.classify { [1] = policy.everywhere } end)
    for _, class in ipairs { 256, -1, 1.5, "one" } do
      raises("policy.classify: a class must be a number from 0 to 255, or 'default', not '" .. tostring(class):gsub("%p", "%%%0") .. "'",
        function() policy.classify { [class] = policy.everywhere, default = policy.everywhere } end)
    end
    raises("shipped_spec.lua:%d+: policy.classify: a policy expected, not a number", function()
      policy.classify { [1] = 3, default = policy.everywhere }
    end)
  end)
end)

describe("filo.policy.with", function()
  it("gives a policy another quorum and grace", function()
    local made = policy.with({ quorum = 2, grace = 60 }, policy.copies(3))
    assert.same({ 2, 60, "3 copies, waiting for 2, places kept for 1:00" }, { made.quorum, made.grace, made.name })
    assert.equal(policy.copies(3).place(OBJECT, in_zones "a")[1].id, made.place(OBJECT, in_zones "a")[1].id)
    raises("policy.with: option 'grace' must be seconds", function() policy.with({ grace = -1 }, policy.everywhere) end)
    raises("policy.with: unknown option 'qourum'; did you mean 'quorum'?", function()
      policy.with({ qourum = 1 }, policy.everywhere)
    end)
  end)

  it("keeps the longest grace of several", function()
    local long = policy.with({ grace = 3600 }, policy.copies(2))
    assert.equal(3600, policy.both(policy.with({ grace = 60 }, policy.copies(3)), long).grace)
    assert.equal(3600, policy.classify({ [1] = long, default = policy.everywhere }).grace)
    assert.is_nil(policy.both(policy.copies(2), policy.copies(3)).grace)
  end)
end)

describe("filo.policy", function()
  -- A misspelt one was nil, and the default was taken without a word.
  it("has no other names, and says which is meant", function()
    raises("shipped_spec.lua:%d+: filo.policy has no 'everywhre'; did you mean 'everywhere'?", function() return policy.everywhre end)
    raises("filo.policy has no 'x'; there are: both, classify, copies, everywhere, from_spec,", function() return policy.x end)
  end)

  it("gives each policy a name for people", function()
    local one, two = policy.copies(1), policy.copies(2)
    assert.same({
      "a copy at every peer", "3 copies", "3 copies in 2 zones", "2 copies, where there is the tag 'ssd'",
      "2 copies, not where there is the tag 'ssd'", "2 copies, and 1 copy", "2 copies, otherwise 1 copy",
      "class 4: 2 copies; others: 1 copy",
    }, {
      policy.everywhere.name, policy.copies(3).name, policy.zones({ copies = 3, zones = 2 }).name, policy.tagged("ssd", two).name,
      policy.without("ssd", two).name, policy.both(two, one).name, policy.otherwise(two, one).name,
      policy.classify({ [4] = two, default = one }).name,
    })
  end)
end)
