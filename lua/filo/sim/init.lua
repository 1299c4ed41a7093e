---Simulations for scripts: `local sim = require "filo.sim"`. The node's own code runs in a world of simulated machines, disks and lines,
---where time is virtual and everything follows from a seed.

local default = require("filo.placement.copies")(3)
local everywhere = require("filo.placement.everywhere")()
local faults = require "filo.sim.faults"
local format = require "filo.base.format"
local new_simulation = require "filo.sim.simulation"
local options = require "filo.base.options"
local policy_file = require "filo.sim.policy_file"
local report = require "filo.sim.report"
local scheme = require "filo.sim.scheme"
local shrink = require "filo.sim.shrink"

local sim = {
  load = scheme.load, policy_of = policy_file.of_text, faults = faults.names, describe = faults.describe, text = report.text,
}

local function between(low, high)
  return function(value)
    if value >= low and value <= high then return nil end
    return ("must be from %s to %s, not %s"):format(format.number(low), format.number(high), format.number(value))
  end
end

local MOST_FAULTS = 1000000

local function check_faults(list)
  for _, name in ipairs(list) do
    if not faults.describe(name) then
      local nearest = options.nearest(tostring(name), faults.names())
      return ("has no kind '%s'; %s"):format(tostring(name), nearest and ("did you mean '%s'?"):format(nearest)
        or "known are: " .. table.concat(faults.names(), ", "))
    end
  end
end

local function check_durability(name)
  if name ~= "full" and name ~= "group" and name ~= "none" then return ("must be full, group or none, not '%s'"):format(name) end
end

local RULES = {
  policy = { type = "table" },
  scheme = { type = "table" },
  nodes = { type = "integer", default = 10, check = between(1, 10000) },
  hours = { type = "number", default = 24, check = between(0, 1e6) },
  seed = { type = "integer", default = 1 },
  faults = { type = "table", default = faults.names(), check = check_faults },
  links = { type = "integer", default = 8, check = between(1, 1000) },
  pause = { type = "number", default = 60, check = between(0.001, 1e9) },
  rate = { type = "number", default = 1, check = between(0, 1000) },
  durability = { type = "string", default = "full", check = check_durability },
  keep = { type = "boolean" },
  show = { type = "function" },
  only = { type = "table" },
}

---What makes a schedule too long: whether each fault happened is remembered.
---@param settings {faults: string[], nodes: integer, hours: number, rate: number?}
---@return string?
function sim.check_size(settings)
  local count = faults.expected(settings.faults, settings.nodes, settings.hours, settings.rate or 1)
  if count <= MOST_FAULTS then return nil end
  return ("%s with %s come to some %s faults, %s at most: take fewer of them, or fewer kinds of faults"):format(
    format.count(settings.hours, "hour", "hours"), format.count(settings.nodes, "node", "nodes"), format.number(math.floor(count)),
    format.number(MOST_FAULTS))
end

---The settings, with those that were left out. Misuse is an error at the line of the caller's caller.
local function check(given)
  local settings = options.check("filo.sim", given, RULES, 3)
  if settings.scheme then settings.policy = settings.scheme.policy or everywhere end
  settings.policy = settings.policy or default
  local problem = sim.check_size(settings) or policy_file.problem(settings.policy)
  if problem then error("filo.sim: " .. problem, 3) end
  return settings
end

---A simulation, to be run once. It takes a while to make, and may wait meanwhile.
---@param given? filo.sim.Settings  each may be left out: 10 nodes, 24 hours, seed 1, all faults, 8 links, 60 s, three copies
---@return filo.sim.Simulation
function sim.new(given) return new_simulation(check(given)) end

---Runs one, and waits for its end.
---@param given? filo.sim.Settings
---@return filo.sim.Result
function sim.run(given) return new_simulation(check(given)):run() end

---Of a run that broke a promise: the fewest faults found with which it still does, the result of a run with these only, and what was
---broken in that. It is the same promise, of the same object.
---@param result filo.sim.Result
---@return filo.sim.Fault[] fewest
---@return filo.sim.Result again
---@return filo.sim.Violation? violation  nil: it does not come again, as with a policy that remembers
function sim.shrink(result)
  local violation = result.violations[1]
  if not violation then error("shrink: this run broke no promise", 2) end
  return shrink(result, violation)
end

---What `shrink` gave, for people.
sim.failure = report.failure

return sim
