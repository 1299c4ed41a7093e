---What a scheme can do where it runs, beside what its node does: waiting, tasks, the clock and the chance of its machine.

local new_files = require "filo.sim.files"
local new_random = require "filo.sim.random"
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"

---Seconds since 1970, by the machine's clock.
local function seconds_of(machine) return machine:microseconds() // 1000000 end

---In one time zone everywhere, and only what is now: what a table of a date comes to depends on where it is asked.
local function os_of(machine, began, remove)
  return {
    remove = remove,
    time = function(when)
      if when ~= nil then error("a simulated node's os.time tells the time, and takes no table", 2) end
      return seconds_of(machine)
    end,
    date = function(shape, seconds) return os.date("!" .. (shape or "%c"):gsub("^!", ""), seconds or seconds_of(machine)) end,
    clock = function() return runtime.now() - began end,
    difftime = os.difftime,
  }
end

---As math.random.
local function chance_of(random)
  return function(low, high)
    if not low then return random:unit() end
    if not high then low, high = 1, low end
    if math.type(low) ~= "integer" or math.type(high) ~= "integer" or low > high then
      error("bad argument to 'random' (interval is empty, or no integers)", 2)
    end
    return random:integer(low, high)
  end
end

local powers = {}

---@param run filo.sim.Run
---@param guard fun(fn: function): function  whose failures are noted
---@return table  as policy_env takes them
function powers.run(run, guard)
  local random, files = run.random:fork "scheme", new_files(run.machine)
  return {
    print = function(text) run.world.trace:tell(run.machine.name, nil, "prints: " .. text:gsub("\t", " ")) end,
    coroutine = coroutine, math = { random = chance_of(random) }, os = os_of(run.machine, run.since, files.os.remove),
    io = files.io,
    crypto = { random = function(count) return random:bytes(count) end },
    filo = {
      sleep = task.sleep, timeout = task.timeout, all = task.all, race = task.race, now = runtime.now,
      look = files.filo.look, folder = files.filo.folder, file = files.filo.file,
      spawn = function(fn, ...) return task.spawn(guard(fn), ...):observe() end,
      every = function(seconds, fn, ...) return task.every(seconds, guard(fn), ...):observe() end,
    },
  }
end

---The same where it is only loaded, and nothing of it is called: what it prints then is told at once.
function powers.nowhere()
  local made = powers.run({ random = new_random(0), since = 0, machine = { files = {} } }, function(fn) return fn end)
  made.print = nil
  return made
end

return powers
