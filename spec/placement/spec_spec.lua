---Policies in plain data: nodes tell each other which they have, and may lie.

local cbor = require "filo.core.cbor"
local filo = require "filo"
local refused = require "spec.support.refused"

local policy = filo.policy

local MEMBERS = {}
for i = 1, 12 do
  MEMBERS[i] = {
    id = ("%064x"):format(i), zone = "z" .. i % 3, tags = { [i % 2 == 0 and "ssd" or "disk"] = true }, capacity = i << 40, about = {},
    state = "up", since = 0,
  }
end

local SPECS = {
  { "everywhere" }, { "copies", 3 }, { "zones", { copies = 3, zones = 2 } }, { "tagged", "ssd", { "copies", 2 } },
  { "without", "ssd", { "everywhere" } }, { "both", { "copies", 2 }, { "tagged", "ssd", { "copies", 2 } } },
  { "otherwise", { "tagged", "ssd", { "copies", 9 } }, { "copies", 2 } }, { "with", { quorum = 2, grace = 60 }, { "copies", 3 } },
  { "classify", { "copies", 2 }, 1, { "everywhere" }, 9, { "with", { quorum = 1 }, { "copies", 3 } } }, { "classify", { "copies", 2 } },
  { "with", { keep_versions = 5 }, { "tagged", "ssd", { "copies", 2 } } },
  { "classify", { "with", { keep_versions = 2 }, { "copies", 2 } }, 7, { "everywhere" } },
}

---What a policy says of some objects.
local function answers(of)
  local list = {}
  for i = 1, 20 do
    local object = { key_hash = filo.crypto.digest("sha256", "key " .. i), class = i % 10, size = i, version = 5000 }
    local placed, wanted, lacking = of.place(object, table.move(MEMBERS, 1, #MEMBERS, 1, {}), MEMBERS[1])
    list[i] = { wanted = wanted, lacking = lacking }
    for rank, member in ipairs(placed) do list[i][rank] = member.id end
  end
  return list
end

describe("the spec of a policy", function()
  it("makes it again, and so does what another node gets of it", function()
    for _, spec in ipairs(SPECS) do
      local made = assert(policy.from_spec(spec))
      assert.same(spec, made.spec)
      local again = assert(policy.from_spec(cbor.decode(cbor.encode(made.spec))))
      assert.same({ made.spec, made.name, made.grace }, { again.spec, again.name, again.grace })
      assert.same(answers(made), answers(again))
    end
  end)

  it("is there of the policies that come with Filo, and of none that has a script's own in it", function()
    assert.same({ "copies", 3 }, policy.copies(3).spec)
    assert.same({ "tagged", "ssd", { "zones", { copies = 2, zones = 2 } } },
      policy.tagged("ssd", policy.zones { copies = 2, zones = 2 }).spec)
    local mine = { name = "mine", place = function(_, members) return members end }
    assert.is_nil(policy.tagged("ssd", mine).spec)
    assert.is_nil(policy.both(policy.copies(2), policy.tagged("ssd", mine)).spec)
    assert.is_nil(policy.classify({ [1] = mine, default = policy.everywhere }).spec)
  end)

  it("stays when another is made of it", function()
    local two = policy.copies(2)
    policy.with({ quorum = 1 }, two)
    assert.same({ "tagged", "ssd", { "copies", 2 } }, policy.tagged("ssd", two).spec)
  end)

  it("is none of what a script has made of it", function()
    local changed = policy.copies(3)
    changed.quorum = 1
    assert.is_nil(policy.tagged("ssd", changed).spec)
    changed = policy.copies(3)
    changed.spec[2] = 7
    assert.same({ "tagged", "ssd", { "copies", 3 } }, policy.tagged("ssd", changed).spec)
  end)

  it("is refused when it is none", function()
    for _, case in ipairs {
      { nil, "a list expected" }, { 5, "a list expected" }, { {}, "there is no policy 'nil'; known are: both, classify, copies" },
      { { "copis", 3 }, "there is no policy 'copis'; did you mean 'copies'?" }, { { {} }, "there is no policy 'a table" },
      { { "copies" }, "'copies' takes 1 values" }, { { "copies", 3, 4 }, "'copies' takes 1 values" },
      { { "copies", "3" }, "policy.copies: an integer from 1 to 1000000 expected" },
      { { "copies", -1 }, "an integer from 1 to 1000000 expected" },
      { { "copies", 3, extra = 1 }, "'copies' takes 1 values in a list" },
      { { "zones", { copies = 1, zones = 2 } }, "1 copies cannot be in 2 zones" },
      { { "zones", 5 }, "a table of options expected" }, { { "tagged", "ssd" }, "'tagged' takes 2 values" },
      { { "tagged", "ssd", { "no" } }, "there is no policy 'no'" }, { { "tagged", "\27[2J", { "everywhere" } }, "a tag expected" },
      { { "with", { quorum = 0.5 }, { "everywhere" } }, "option 'quorum' must be an integer" },
      { { "with", { ["\27[2J"] = 1 }, { "everywhere" } }, "unknown option '\\x1b[2J'" },
      { { "with", { grace = 0 / 0 }, { "everywhere" } }, "option 'grace' must be seconds" },
      { { "with", { keep_versions = 101 }, { "everywhere" } }, "option 'keep_versions' must be 0 to 100 versions" },
      { { "with", { keep_versions = -1 }, { "everywhere" } }, "option 'keep_versions' must be 0 to 100 versions" },
      { { "classify" }, "a list expected" }, { { "classify", { "everywhere" }, 300, { "everywhere" } }, "a class must be a number" },
      { { "classify", { "everywhere" }, 3 }, "a list expected" }, { { "from_spec", {} }, "there is no policy 'from_spec'" },
      { setmetatable({ "everywhere" }, {}), "a list expected" },
    } do
      local message = tostring(refused("invalid", policy.from_spec(case[1])))
      assert.equal("this is not the spec of a policy: ", message:sub(1, 34))
      assert(message:find(case[2], 1, true), message .. "\n" .. case[2])
      assert.is_nil(message:find "%.lua")
    end
  end)

  it("is refused when it is too large to be looked at", function()
    local deep = { "everywhere" }
    for _ = 1, 1000 do deep = { "tagged", "ssd", deep } end
    assert.matches("more than 8 deep", tostring(refused("invalid", policy.from_spec(deep))))
    local wide = { "classify", { "everywhere" } }
    for class = 0, 255 do table.move({ class, { "everywhere" } }, 1, 2, #wide + 1, wide) end
    assert.matches("more than 256 values", tostring(refused("invalid", policy.from_spec(wide))))
    assert.matches("a text of more than 64 bytes", tostring(refused("invalid", policy.from_spec { ("x"):rep(65) })))
    local round = { "tagged", "ssd" }
    round[3] = round
    assert.matches("more than 8 deep", tostring(refused("invalid", policy.from_spec(round))))
  end)
end)
