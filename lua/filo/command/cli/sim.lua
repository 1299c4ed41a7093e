---filo sim

local at_end = require "filo.host.at_end"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local format = require "filo.base.format"
local json = require "filo.base.json"
local runtime = require "filo.core.runtime"
local sim = require "filo.sim"
local task = require "filo.host.task"

local PROGRESS_SECONDS = 0.5

local function whole_number(option, low, high)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and number >= low and number <= high then return number end
    return nil, ("%s takes a whole number from %d to %d, not '%s'"):format(option, low, high, text)
  end
end

local function hours(text)
  local number = tonumber(text)
  if number and number > 0 and number <= 1e6 then return number end
  return nil, ("--hours takes a number above 0 and up to 1000000, not '%s'"):format(text)
end

---"all", "none", or names with commas between them.
local function kinds(text)
  if text == "all" then return sim.faults() end
  local list = {}
  for name in (text .. ","):gmatch "([^,]*)," do
    if not sim.describe(name) and text ~= "none" then
      local known = table.concat(sim.faults(), ", ")
      return nil, ("--faults: there are none of the kind '%s'; there are: all, none, or some of %s"):format(name, known)
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

---Makes it; a word on that when it is interrupted meanwhile.
local function make(settings)
  local ok, simulation = pcall(sim.new, settings)
  if ok then return simulation end
  if errors.is_cancelled(simulation) then
    io.write(("ended before anything happened: %s, seed %d\n"):format(format.count(settings.nodes, "node", "nodes"), settings.seed))
  end
  error(simulation, 0)
end

---Runs it; when it is interrupted, what there is so far, and the cancellation.
local function run(simulation, settings)
  local _ <close> = show_progress(simulation, settings)
  local ok, result = pcall(simulation.run, simulation)
  if ok then return result end
  if not errors.is_cancelled(result) then error(result, 0) end
  return simulation:result(), result
end

---What came of it. A policy that nothing could be stored with has not been tried.
local function status_of(result)
  if result.violations[1] or result.problems.first then return exit.failure end
  if not result.untried then return exit.done end
  return result.counts.put.failed > 0 and exit.not_enough_copies or exit.failure
end

---Looks for the fewest faults, and shows what they do.
local function explain(result)
  io.stderr:write "looking for the fewest faults that do it ...\n"
  local fewest, again, violation = sim.shrink(result)
  if violation then return io.write(sim.failure(fewest, again, violation)) end
  io.write "the same faults do not do it again: does the policy remember what it was asked before?\n"
end

---What came of it, for programs.
local function in_json(result)
  local settings, violations = result.settings, {}
  for i, each in ipairs(result.violations) do violations[i] = { check = each.check, at = each.at, text = each.text } end
  return json.encode({
    seed = settings.seed, nodes = settings.nodes, hours = settings.hours, policy = settings.policy.name, violations = violations,
    passed = json.object(result.passed), waiting = json.object(result.waiting), untried = result.untried, faults = result.faults,
    messages = result.messages, bytes = result.bytes, digest = result.digest,
  }, { "seed" }) .. "\n"
end

local function settings_of(args)
  local settings = {
    nodes = args.nodes or 10, hours = args.hours or 24, faults = args.faults or sim.faults(),
    seed = args.seed or string.unpack("<I4", assert(crypto.random(4))),
  }
  if args.trace then settings.show = function(line) io.write(line, "\n") end end
  local problem = sim.check_size(settings)
  if problem then return errors.fail("usage", problem) end
  if args.scheme and args.shipped then return errors.fail("usage", "a file that returns a policy, and --policy, exclude each other") end
  if not args.scheme and not args.shipped then return settings end
  local err
  if args.shipped then settings.policy, err = sim.policy_of(args.shipped) else settings.scheme, err = sim.load(args.scheme) end
  if err then return nil, err end
  return settings
end

---It measures always the same.
local function measure(args)
  for name in pairs(args) do
    if name ~= "bench" then return errors.fail("usage", "--bench goes without a policy and other options") end
  end
  return require "filo.sim.bench"()
end

return {
  summary = "Try a policy on simulated nodes under faults.",

  describe = function(parser)
    parser:argument("scheme", "A file that returns a policy; or a scheme, as node.lua does. Default: three copies."):args "?"
    parser:option("--policy", "One of the policies that come with Filo: 'copies(3)', 'zones { copies = 3, zones = 2 }' ..."):argname("TEXT")
      :target "shipped"
    parser:option("--nodes", "How many nodes. Default: 10."):argname("N"):convert(whole_number("--nodes", 1, 10000))
    parser:option("--hours", "How many hours of faults; one without follows, in which all must come right. Default: 24."):argname("H")
      :convert(hours)
    parser:option("--seed", "What all chance follows from. Default: another one each time."):argname("S")
      :convert(whole_number("--seed", 0, 1 << 53))
    parser:option("--faults", "Kinds of faults, with commas between them; or none. Default: all."):argname("LIST"):convert(kinds)
    parser:mutex(parser:flag("--trace", "Print what happens."), parser:flag("--json", "For programs."))
    parser:flag("--bench", "Measure the simulator itself, beside the limits of this machine.")
    parser:epilog(list_of_faults() .. [[


The same seed, with the same options, gives the same run. Exit status 1: a promise was broken, or the policy failed;
4: no store reached its quorum.]])
  end,

  run = function(args)
    if args.bench then return measure(args) end
    runtime.end_when_stuck("filo sim", exit.failure)
    local settings, err = settings_of(args)
    if not settings then return nil, err end
    local simulation = make(settings)
    local result, interrupted = run(simulation, simulation.settings)
    io.write(args.json and in_json(result) or sim.text(result))
    if interrupted then error(interrupted, 0) end
    if result.violations[1] and not args.json then explain(result) end
    return status_of(result)
  end,
}
