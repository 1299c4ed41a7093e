---The simulator as a whole: the same seed gives the same run, what must hold holds, and a node that is broken is found out.

local everywhere = require("filo").policy.everywhere
local limits = require "spec.support.limits"
local new_handed_out = require "filo.node.handed_out"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local runtime = require "filo.core.runtime"
local sim = require "filo.sim"

---What a run comes to, in a process of its own: another one has its strings hashed in another way.
local function digest_elsewhere(settings)
  local script = ("local r = require('filo.sim').run { nodes = %d, hours = %g, rate = %g, seed = %d }; print(r.digest, #r.violations)")
    :format(settings.nodes, settings.hours, settings.rate, settings.seed)
  local result = process.run { program = runtime.program(), "-e", script }
  return result.out:match "^(%x+)\t0\n$" or error(result.out .. result.err)
end

describe("a simulation", function()
  it("is the same for the same seed, in any process, with all faults on", function()
    local settings = { nodes = 5, hours = 1, rate = 5, seed = 11 }
    local first = digest_elsewhere(settings)
    for _ = 1, 9 do assert.equal(first, digest_elsewhere(settings)) end
    settings.seed = 12
    assert.not_equal(first, digest_elsewhere(settings))
  end)

  it("has faults that happen, users that do things, and time that passes", function()
    local result = sim.run { nodes = 5, hours = 5, seed = 3 }
    assert.is_true(result.finished)
    assert.is_true(result.faults > 20)
    assert.is_true(result.counts.put.done > 100 and result.counts.get.done > 50 and result.counts.delete.done > 20)
    assert.is_true(result.seconds > 5 * 3600)
    for _, promise in ipairs { "content", "readable", "tombstones", "whole", "ends", "quiet" } do
      assert.is_true(result.passed[promise] > 0, promise)
    end
  end)

  it("without faults has no failure, and copies that are all there", function()
    local result = sim.run { nodes = 5, hours = 3, seed = 1, faults = {} }
    assert.equal(0, result.faults)
    assert.same({}, result.violations)
    assert.same({}, result.waiting)
    assert.equal(0, result.counts.put.failed)
  end)

  it("leaves out the faults that are not named, and leaves the others as they are", function()
    local seen = {}
    for _, kinds in ipairs { { "kill" }, { "kill", "rot" } } do
      local kills = {}
      for fault in sim.new({ nodes = 5, hours = 20, seed = 4, faults = kinds }).schedule() do
        if fault.kind == "kill" then kills[#kills + 1] = fault.at end
      end
      seen[#seen + 1] = kills
    end
    assert.is_true(#seen[1] > 5)
    assert.same(seen[1], seen[2])
  end)

  it("can be broken off, and says how far it was", function()
    local simulation = sim.new { nodes = 5, hours = 1000, seed = 1 }
    local task = require("filo").spawn(simulation.run, simulation):observe()
    while simulation:now() < 3600 do runtime.sleep(0) end
    task:cancel()
    assert.is_false(pcall(task.join, task))
    local result = simulation:result()
    assert.is_false(result.finished)
    assert.is_nil(result.digest)
    assert.is_true(result.seconds >= 3600)
    assert.matches("^5 nodes, ended after %d+:%d%d:%d%d.%d+ of 1,000 hours, seed 1, policy '3 copies'\n", sim.text(result))
  end)

  it("leaves the collector as it was, also when it is broken off", function()
    local before = collectgarbage("setpause", 200)
    local simulation = sim.new { nodes = 6, links = 1000, hours = 1000, faults = {} }
    local task = require("filo").spawn(simulation.run, simulation):observe()
    while simulation:now() == 0 do runtime.sleep(0) end
    task:cancel()
    assert.is_false(pcall(task.join, task))
    assert.equal(200, collectgarbage("setpause", before))
  end)

  it("does not take what the policy itself refuses for a promise that is broken", function()
    local refusing = {
      name = "refusing", place = everywhere.place, quorum = 1,
      accept = function(offer) return not offer.tombstone and offer.size < 10000, "not here" end,
    }
    local result = sim.run { policy = refusing, nodes = 3, hours = 3, faults = {} }
    assert.same({}, result.violations)
    assert.is_nil(result.untried)
    local moody = {
      name = "moody", place = everywhere.place, accept = function(offer) return offer.version % 2 == 0, "not this one" end,
    }
    assert.same({}, sim.run({ policy = moody, nodes = 3, hours = 3, faults = { "kill" }, rate = 10 }).violations)
  end)

  it("counts no quorum as reached that asks for nothing, and says when nothing was tried", function()
    local nobody = { name = "nobody", quorum = 0, place = function() return {}, 0 end }
    assert.is_nil(sim.run({ policy = nobody, nodes = 3, hours = 1, faults = {} }).passed.replicate)
    local result = sim.run { policy = { name = "a test", quorum = 99 }, nodes = 3, hours = 1, faults = {} }
    assert.equal("no store has reached its quorum", result.untried)
    assert.matches("\nNOT TRIED: no store has reached its quorum, and so what is held says nothing of this policy\n", sim.text(result))
  end)

  it("refuses settings that make no sense", function()
    for expected, settings in pairs {
      ["option 'nodes' must be from 1 to 10,000, not 0"] = { nodes = 0 },
      ["option 'hours' must be from 0 to 1e%+06, not %-1"] = { hours = -1 },
      ["option 'pause' must be from 0.001 to 1e%+09, not %-?nan"] = { pause = 0 / 0 },
      ["option 'faults' has no kind 'kil'; did you mean 'kill'%?"] = { faults = { "kil" } },
      ["option 'durability' must be full, group or none, not 'some'"] = { durability = "some" },
      ["1e%+06 hours with 10,000 nodes come to some 32,086,541,666 faults, 1,000,000 at most"] = { hours = 1000000.0, nodes = 10000 },
      ["unknown option 'sed'; did you mean 'seed'%?"] = { sed = 1 },
    } do
      raises("simulation_spec.lua:%d+: filo.sim: " .. expected, function() sim.new(settings) end)
    end
  end)
end)

---Runs with another function in the place of one of a module's class.
local function with(class, name, fn, settings)
  local before = class[name]
  class[name] = fn
  local _ <close> = setmetatable({}, { __close = function() class[name] = before end })
  return sim.run(settings)
end

local function broken(result, check)
  for _, violation in ipairs(result.violations) do
    if violation.check == check then return violation end
  end
end

---The class of the objects that a constructor makes.
local function class_of(module, given) return getmetatable(require(module)(given)) end

-- A checker that cannot fail checks nothing: each is shown a node that breaks its promise.
describe("a node that", function()
  it("tells nobody of deletions that they missed is found out, with the fault that does it", function()
    local _ <close> = limits { repair_start = 1e9 } -- nobody looks after that in its place
    local Tombstones = class_of("filo.replication.tombstones", { host = {} })
    local settings = { nodes = 3, hours = 2, seed = 1, faults = { "kill", "partition", "clock" }, rate = 5 }
    local before = Tombstones.meet
    Tombstones.meet = function() end
    local _ <close> = setmetatable({}, { __close = function() Tombstones.meet = before end })
    local result = sim.run(settings)
    local violation = broken(result, "tombstones")
    assert.matches("was deleted, and n%d still has a copy", violation.text)
    local fewest, again, same = sim.shrink(result)
    assert.is_true(#fewest > 0 and #fewest < result.faults)
    for _, fault in ipairs(fewest) do assert.not_equal("clock", fault.kind) end
    assert.is_truthy(broken(again, "tombstones"))
    assert.same({ violation.check, violation.subject }, { same.check, same.subject })
    local text = sim.failure(fewest, again, same)
    assert.matches("^with %d+ faults? it fails, too; fewer were not found:\n  %d:%d%d:%d%d.%d%d%d  #%d+ %l+", text)
    assert.is_truthy(text:find(("what happened to %s:\n"):format(same.subject), 1, true))
    assert.matches("VIOLATION of 'connected peers learn of deletions'", text)
  end)

  it("breaks a promise once only is told so", function()
    local _ <close> = limits { repair_start = 1e9 }
    local Tombstones = class_of("filo.replication.tombstones", { host = {} })
    local settings = { nodes = 3, hours = 2, seed = 1, faults = { "kill", "partition" }, rate = 5 }
    local result = with(Tombstones, "meet", function() end, settings)
    local fewest, again, violation = sim.shrink(result)
    assert.equal(result.faults, #fewest)
    assert.same({}, again.violations)
    assert.is_nil(violation)
  end)

  it("sends what it stores in clear is found out", function()
    local World = class_of("filo.sim.world", { seed = 1, nodes = 1, links = 1, policy = {} })
    local options_of = World.options_of
    local result = with(World, "options_of", function(...)
      local options = options_of(...)
      options.encrypt = false
      return options
    end, { nodes = 2, hours = 1, faults = {} })
    assert.is_truthy(broken(result, "sealed"))
  end)

  it("loses what it acknowledged is found out", function()
    local Atlas = class_of("filo.sim.atlas", {})
    local settings = { nodes = 2, hours = 20, seed = 2, faults = { "wipe" }, rate = 50, policy = everywhere }
    local result = with(Atlas, "may_restore", function() return true end, settings)
    assert.matches("no good copy is left anywhere", broken(result, "readable").text)
  end)

  it("finds what is bad, and heals nothing, is found out", function()
    local Healing = class_of("filo.replication.healing", { host = {} })
    local settings = { nodes = 3, hours = 2, seed = 1, faults = { "rot" }, rate = 20 }
    local result = with(Healing, "start", function(self) self.settle = function() end end, settings)
    assert.matches("the bad copy of n%d:%S+ at n%d was not healed", broken(result, "healed").text)
  end)

  it("takes what is bad for good is found out", function()
    local Verifier = class_of("filo.copies.verify", { host = {} })
    local settings = { nodes = 3, hours = 2, seed = 1, faults = { "rot" }, rate = 20 }
    local result = with(Verifier, "check", function() return true end, settings)
    assert.matches("a bad copy of n%d:%S+ is left at n%d", broken(result, "healed").text)
  end)

  it("tells of copies that it has not made is found out", function()
    local Spread = class_of("filo.replication.spread", {})
    local result = with(Spread, "copy", function() return {} end, { nodes = 3, hours = 0.5, faults = {} })
    assert.matches("a receipt tells of 3 copies, where 3 were to be, and 1 were", broken(result, "receipt").text)
  end)

  it("believes whoever says that he has a good copy is found out", function()
    local Prove = class_of("filo.replication.prove", {})
    local result = with(Prove, "at", function() return true end, { nodes = 3, hours = 0.5, faults = {} })
    assert.matches("the copy at n%d was evicted, and no other in reach is good", broken(result, "evict").text)
  end)

  it("puts what another has written in the place of its own is found out", function()
    local Storing = class_of("filo.node.storing", {})
    local result = with(Storing, "keep_as", function() return true end, { nodes = 4, hours = 0.1, faults = {} })
    assert.matches("what n%d has to say is not there any more", broken(result, "conflict").text)
  end)

  it("answers with other bytes is found out", function()
    local Object = require("filo.node.object")({ close = function() end }, { size = 0, key = "" }, new_handed_out())
    local class = getmetatable(Object)
    local read = class.read
    local result = with(class, "read", function(...)
      local bytes = read(...)
      return bytes and bytes:gsub("clear", "cleAr")
    end, { nodes = 2, hours = 1, faults = {} })
    assert.matches("these bytes are nobody's", broken(result, "content").text)
  end)

  for what, leave in pairs {
    ["%d tasks where there were %d+"] = function(self) self.host.spawn(self.host.suspend) end,
    ["%d timers where there were %d+"] = function() runtime.later(1e9, function() end) end,
    ["%d entries in the table n%d%.%S*tombstones%.left_behind where there were %d+"] = function(self)
      self.left_behind = self.left_behind or {}
      table.insert(self.left_behind, true)
    end,
  } do
    it("leaves something behind at each call is found out: " .. what, function()
      local Tombstones = class_of("filo.replication.tombstones", { host = {} })
      local tell_all = Tombstones.tell_all
      local result = with(Tombstones, "tell_all", function(self, ...)
        leave(self)
        return tell_all(self, ...)
      end, { nodes = 2, hours = 1, faults = {} })
      assert.matches(what, broken(result, "quiet").text)
    end)
  end

  it("never ends a call is found out", function()
    local Getting = class_of("filo.node.getting", {})
    local result = with(Getting, "open", function(self) self.host.suspend() end, { nodes = 2, hours = 2, faults = {} })
    assert.matches("get of n%d:key%d+ takes longer than 1800 s", broken(result, "ends").text)
  end)
end)
