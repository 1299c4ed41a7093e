---What a node says of itself for policies: checked where it is set, and passed over where a peer talks nonsense.

local facts = require "filo.placement.facts"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

local NONSENSE = {
  name = { "", ("x"):rep(65), "red\27[31m", "two\nlines", "\xff", 5, true, {} },
  zone = { "", ("x"):rep(65), "\0", 1, { "a" } },
  tags = { "ssd", { ssd = true }, { "ssd", "" }, { "ssd", 5 }, { [2] = "ssd" }, { ("x"):rep(65) }, { {} } },
  capacity = { 0, -1, 1.5, "2 TB", 0 / 0, 1 / 0, 1e300, true },
}

local many = {}
for i = 1, 17 do many[i] = "tag " .. i end
table.insert(NONSENSE.tags, many)

describe("what a node says of itself", function()
  it("is its name, zone, tags and capacity", function()
    local said = facts.of { name = "home", zone = "attic", tags = { "ssd", "ups" }, capacity = 2e12, rank = 3 }
    assert.same({ name = "home", zone = "attic", tags = { ssd = true, ups = true }, capacity = 2000000000000 }, said)
    assert.equal("integer", math.type(said.capacity))
    assert.same({ tags = {} }, facts.of {})
    assert.is_nil(facts.problem { name = "höhle", tags = {}, capacity = 1 })
  end)

  it("counts as not said where it makes no sense, and the rest of it as said", function()
    for name, values in pairs(NONSENSE) do
      for _, value in ipairs(values) do
        local said = facts.of { name = "home", zone = "attic", [name] = value }
        assert.same(name == "tags" and {} or nil, said[name])
        assert.equal(name == "zone" and "home" or "attic", name == "zone" and said.name or said.zone)
        assert.matches("^'" .. name .. "' must be ", facts.problem { [name] = value })
      end
    end
  end)

  it("is refused where it is set", function()
    local net <close> = nodes.net()
    raises("facts_spec.lua:%d+: filo.node: option 'about': 'zone' must be printable text of 1 to 64 bytes", function()
      local node = filo.node { root = net.folder:file "x", about = { zone = 5 } }
      return node
    end)
  end)

  it("is told to policies, with the state of the member", function()
    local net <close> = nodes.net()
    local seen, seen_here
    local function place(_, members, here)
      seen, seen_here = members, here
      return members
    end
    local a, b = net:cluster(2, {}, {
      a = { policy = { name = "mine", place = place }, about = { zone = "cellar" } },
      b = { about = { name = "home", zone = "attic", tags = { "ssd" }, capacity = 2e12, rank = 3 } },
    })
    assert(a:store("key", "content"))
    local member = seen[1]
    assert.same({ b.id, "home", "attic", { ssd = true }, 2000000000000, "up", 3 },
      { member.id, member.name, member.zone, member.tags, member.capacity, member.state, member.about.rank })
    assert.is_true(member.since >= 0 and member.since < 3600)
    assert.same({ a.id, "cellar", "up" }, { seen_here.id, seen_here.zone, seen_here.state })
  end)
end)
