---filo sim

local at_end = require "filo.host.at_end"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit"
local format = require "filo.base.format"
local runtime = require "filo.core.runtime"
local sim = require "filo.sim"
local task = require "filo.host.task"

local PROGRESS_SECONDS = 0.5

local function whole_number(low, high)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and number >= low and number <= high then return number end
    return nil, ("a whole number from %d to %d expected, not '%s'"):format(low, high, text)
  end
end

local function hours(text)
  local number = tonumber(text)
  if number and number > 0 and number <= 1e6 then return number end
  return nil, ("hours expected, a number above 0 and up to 1000000, not '%s'"):format(text)
end

---"all", "none", or names with commas between them.
local function kinds(text)
  if text == "all" then return sim.faults() end
  local list = {}
  for name in text:gmatch "[^,]+" do
    if not sim.describe(name) and text ~= "none" then
      local known = table.concat(sim.faults(), ", ")
      return nil, ("there are no faults of the kind '%s'; there are: all, none, or some of %s"):format(name, known)
    end
    list[#list + 1] = name
  end
  return text == "none" and {} or list
end

local function list_of_faults()
  local lines = {}
  for i, name in ipairs(sim.faults()) do lines[i] = ("  %-10s %s"):format(name, sim.describe(name)) end
  return "Kinds of faults:\n" .. table.concat(lines, "\n")
end

---Shows how far it is, where stderr is a terminal.
local function show_progress(simulation, settings)
  if not runtime.is_terminal(2) then return nil end
  local shown = task.spawn(function()
    while true do
      local part = math.min(1, simulation:now() / 3600 / settings.hours)
      io.stderr:write(("\r\27[K%3.0f %%  %.1f of %s, %s"):format(part * 100, simulation:now() / 3600,
        format.count(settings.hours, "hour", "hours"), format.count(simulation.happened, "fault", "faults")))
      task.sleep(PROGRESS_SECONDS)
    end
  end):observe()
  return at_end(function()
    shown:cancel()
    io.stderr:write "\r\27[K"
  end)
end

---Runs it; when it is interrupted, what there is so far, and the cancellation.
local function run(simulation, settings)
  local _ <close> = show_progress(simulation, settings)
  local ok, result = pcall(simulation.run, simulation)
  if ok then return result end
  if not errors.is_cancelled(result) then error(result, 0) end
  return simulation:result(), result
end

---Looks for the fewest faults, and shows what they do.
local function explain(result)
  io.stderr:write "looking for the fewest faults that do it ...\n"
  io.write(sim.failure(sim.shrink(result)))
end

local function settings_of(args)
  local settings = { nodes = args.nodes, hours = args.hours, seed = args.seed, faults = args.faults }
  if not args.seed then settings.seed = string.unpack("<I4", assert(crypto.random(4))) end
  if args.trace then settings.show = function(line) io.write(line, "\n") end end
  if not args.policy then return settings end
  local err
  settings.policy, err = sim.load_policy(args.policy)
  if not settings.policy then return nil, err end
  return settings
end

return {
  summary = "Try a policy on simulated nodes under faults.",

  describe = function(parser)
    parser:argument("policy", "A file that returns a policy. Default: a copy at every peer."):args "?"
    parser:option("--nodes", "How many nodes.", "10"):argname("N"):convert(whole_number(1, 10000))
    parser:option("--hours", "How many hours of faults; one without follows, in which all must come right.", "24"):argname("H")
      :convert(hours)
    parser:option("--seed", "What all chance follows from. Default: another one each time."):argname("S")
      :convert(whole_number(0, 1 << 53))
    parser:option("--faults", "Kinds of faults, with commas between them; or all, or none.", "all"):argname("LIST"):convert(kinds)
    parser:flag("--trace", "Print what happens.")
    parser:flag("--bench", "Measure the simulator itself, beside the limits of this machine.")
    parser:epilog(list_of_faults() .. [[


The same seed, with the same options, gives the same run. Exit status 1: a promise was broken, or the policy failed.]])
  end,

  run = function(args)
    if args.bench then return require "filo.sim.bench"() end
    runtime.end_when_stuck("filo sim", exit.failure)
    local settings, err = settings_of(args)
    if not settings then return nil, err end
    local simulation = sim.new(settings)
    local result, interrupted = run(simulation, simulation.settings)
    io.write(sim.text(result))
    if interrupted then error(interrupted, 0) end
    if result.violations[1] then explain(result) end
    return (result.violations[1] or result.problems.first) and exit.failure or exit.done
  end,
}
