---Some hundred node-hours under all faults: fixed seeds, each twice, and a fresh one.

local crypto = require "filo.core.crypto"
local everywhere = require("filo").policy.everywhere
local sim = require "filo.sim"

---It computes with what is free, and so fails when it is given nothing.
local by_size = {
  name = "by size", place = everywhere.place,
  accept = function(offer, _, usage) return offer.size <= usage.free / 2, "too large" end,
}

local FIXED = {
  { nodes = 4, hours = 2, seed = 1, faults = { "backup", "wipe" }, rate = 20 },  -- a restored peer was not told of deletions again
  { nodes = 6, hours = 3, seed = 2, faults = { "backup" }, rate = 20 },  -- an owner went on reading what it had before
  { nodes = 4, hours = 3, seed = 45 },  -- a peer whose disk was full when it was told of a deletion was not told again while connected
  { nodes = 5, hours = 3, seed = 6, policy = by_size },  -- a policy was given an error for the free space of a disk that failed
  { nodes = 5, hours = 5, seed = 194, rate = 3 },  -- a rotten copy that the owner had, of an older version, hid the newer one
  { nodes = 5, hours = 3, seed = 37, rate = 2 },  -- a copy that was replaced while it was replicated left one copy
  { nodes = 6, hours = 10, seed = 14 },
  { nodes = 8, hours = 6, seed = 3 },
  { nodes = 10, hours = 4, seed = 4, durability = "group" },
  { nodes = 8, hours = 10, seed = 11, rate = 0.2, pause = 600 },  -- what is remembered for an hour was taken for a leak
  { nodes = 8, hours = 4, seed = 9 },  -- what was set aside, on a disk that gave errors at the node's start, was never healed
  { nodes = 3, hours = 10, seed = 5, durability = "none", rate = 3 },
}

local function text_of(result)
  local lines = {}
  for i, violation in ipairs(result.violations) do lines[i] = violation.text end
  lines[#lines + 1] = result.problems.first
  return ("seed %d: %s"):format(result.settings.seed, table.concat(lines, "\n"))
end

local function check(result)
  assert.is_true(result.finished)
  assert(not result.violations[1] and not result.problems.first, text_of(result))
end

describe("all faults", function()
  for _, settings in ipairs(FIXED) do
    it(("hurt no promise with seed %d, and give one trace"):format(settings.seed), function()
      local first, second = sim.run(settings), sim.run(settings)
      check(first)
      assert.equal(first.digest, second.digest)
    end)
  end

  it("hurt no promise with a fresh seed", function()
    local seed = string.unpack("<I4", assert(crypto.random(4)))
    io.write(("\nsimulated with the fresh seed %d\n"):format(seed))
    check(sim.run { nodes = 6, hours = 5, seed = seed })
  end)
end)
