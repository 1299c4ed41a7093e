---Measures the simulator, beside what this machine can do at most: how fast tasks take turns, and how fast a message is encoded, decoded
---and hashed, which is the least that one takes in a simulated world.

local cbor = require "filo.core.cbor"
local collect = require "filo.sim.collect"
local crypto = require "filo.core.crypto"
local everywhere = require("filo.placement.everywhere")()
local exit = require "filo.base.exit_status"
local faults = require "filo.sim.faults"
local new_simulation = require "filo.sim.simulation"
local new_trace = require("filo.sim.trace").new
local new_world = require "filo.sim.world"
local runtime = require "filo.core.runtime"

local LINKS = 24

---@param fn fun(): integer  gives how many things it did
---@return number  CPU-seconds that each took
local function cost(fn)
  local began = os.clock()
  local count = fn()
  return (os.clock() - began) / count
end

local function take_turns()
  local turns = 300000
  runtime.virtual(function()
    for _ = 1, turns do runtime.sleep(1) end
  end):join()
  return turns
end

local function pass_messages()
  local message = { id = 123456, topic = "find", body = { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) } }
  local hasher, count = assert(crypto.hasher "sha256"), 100000
  for _ = 1, count do
    local bytes = cbor.encode(message)
    hasher:update(bytes)
    cbor.decode(bytes)
  end
  return count
end

---A world without users and faults, once all are connected; then `fn` in it.
local function in_idle_world(nodes, fn)
  local world = new_world { seed = 1, nodes = nodes, links = LINKS, policy = everywhere, trace = new_trace {} }
  local _ <close> = world:tune_collector()
  runtime.virtual(function()
    world:start()
    runtime.sleep(120)
    fn(world)
    world:stop()
  end):join()
end

local function count_links(world)
  local count = 0
  for _, machine in ipairs(world.machines) do count = count + #machine.connections end
  return count // 2
end

local function measure_memory()
  collect()
  local before = runtime.memory()
  in_idle_world(1000, function(world)
    collect()
    local taken, links = runtime.memory() - before, count_links(world)
    io.write(("1,000 nodes, %.1f links each: %.0f MiB, %.1f KiB for each end of a link\n"):format(2 * links / 1000, taken / (1 << 20),
      taken / (2 * links) / 1024))
  end)
end

local function measure_idle()
  local hours = 2
  in_idle_world(100, function(world)
    local seconds = cost(function()
      runtime.sleep(hours * 3600)
      return 1
    end)
    io.write(("100 nodes that do nothing, %.1f links each: %.0f node-hours a CPU-minute\n"):format(2 * count_links(world) / 100,
      100 * hours / seconds * 60))
  end)
end

local function measure_faults(least)
  local settings = {
    policy = everywhere, nodes = 50, hours = 2, seed = 1, faults = faults.names(), links = 8, pause = 60, durability = "full", rate = 1,
  }
  local result
  local seconds = cost(function()
    result = new_simulation(settings):run()
    return 1
  end)
  io.write(("50 nodes under all faults: %.0f times faster than real time; %d messages, %.1f us each, %.1f times the least\n"):format(
    result.seconds / seconds, result.messages, seconds / result.messages * 1e6, seconds / result.messages / least))
end

---@return integer exit status
return function()
  local turn, message = cost(take_turns), cost(pass_messages)
  local least = message + 2 * turn
  io.write(("One core of this machine: %.2f M turns of tasks a second, %.2f M messages encoded, hashed and decoded\n"):format(
    1e-6 / turn, 1e-6 / message))
  measure_memory() -- first: memory that other worlds have left behind would be used again
  measure_idle()
  measure_faults(least)
  return exit.done
end
