---Faults: what goes wrong in a simulated world. Each kind says how often it comes and how long it lasts, begins, and ends.
---
---A schedule is drawn before the world starts, each kind from a stream of its own: so faults can be left out of it, and the others stay as
---they are. What would damage an object's last good copy does not happen: the atlas says no.

local everywhere = require("filo.placement.everywhere")()
local runtime = require "filo.core.runtime"
local sorted_keys = require "filo.base.sorted_keys"

local faults = {}

---@class filo.sim.Fault
---@field kind string
---@field at number  seconds
---@field lasts number
---@field target integer  a machine
---@field other integer  another one
---@field random filo.sim.Random
---@field number integer

---@class filo.sim.FaultKind
---@field what string  a line for people
---@field every number  seconds between two, for each machine (or of the world's: shared)
---@field lasts {[1]: number, [2]: number}
---@field shared? boolean  it concerns the whole network
---@field pair? boolean  it concerns two machines
---@field begin fun(world: filo.sim.World, fault: filo.sim.Fault): boolean?  false: it may not happen now
---@field finish? fun(world: filo.sim.World, fault: filo.sim.Fault)

local HOUR = 3600

local function target(world, fault) return world.machines[fault.target] end

local function network_of(world) return world.network end

local function disk_of(world, fault) return target(world, fault).disk end

---The machines of one side of a partition.
local function side(world, fault)
  local random, inside, outside = fault.random:fork "side", {}, {}
  for i, machine in ipairs(world.machines) do
    local list = (i == fault.target or random:chance(0.3)) and inside or outside
    list[#list + 1] = machine
  end
  return inside, outside
end

local function each_pair(world, fault, fn)
  local inside, outside = side(world, fault)
  for _, a in ipairs(inside) do
    for _, b in ipairs(outside) do fn(a, b) end
  end
end

---Takes a node's process away for the time of the fault.
local function crash(power)
  return function(world, fault)
    local machine = target(world, fault)
    if not machine.run then return false end
    machine:crash(power)
  end
end

local function restart(world, fault) target(world, fault):start() end

---Gives a property of the network, a machine or a disk another value than the usual one for the time of the fault. One at a time.
local function set(object_of, name, usual, value_of)
  local function key_of(fault) return object_of == network_of and name or name .. fault.target end
  return function(world, fault)
    if world.altered[key_of(fault)] then return false end
    world.altered[key_of(fault)] = fault
    object_of(world, fault)[name] = value_of(fault)
  end, function(world, fault)
    object_of(world, fault)[name] = usual
    world.altered[key_of(fault)] = nil
  end
end

---concerns: "all" machines, or a "pair"; one when left out.
local function kind(what, every, lasts, begin, finish, concerns)
  return {
    what = what, every = every, lasts = lasts, begin = begin, finish = finish, shared = concerns == "all", pair = concerns == "pair",
  }
end

local function constant(value) return function() return value end end

local kinds = {}

-- The network -------------------------------------------------------------------------------------------------------------

do
  local begin, finish = set(network_of, "loss", 0, function(fault) return fault.random:between(0.02, 0.3) end)
  kinds.loss = kind("packets are lost, doubled and put in another order: they come late", 2 * HOUR, { 60, 1200 }, begin, finish, "all")
end

do
  local begin, finish = set(network_of, "delay", 0, function(fault) return fault.random:between(0.1, 3) end)
  kinds.delay = kind("everything takes longer on its way", 3 * HOUR, { 60, 900 }, begin, finish, "all")
end

do
  local begin, finish = set(target, "slow", 1, function(fault) return fault.random:between(5, 50) end)
  kinds.slow = kind("a node's line is slow", 6 * HOUR, { 60, 3600 }, begin, finish)
end

kinds.partition = kind("some nodes cannot reach the others", 3 * HOUR, { 5, 5400 }, function(world, fault)
  each_pair(world, fault, function(a, b) world.network:cut(a, b) end)
end, function(world, fault)
  each_pair(world, fault, function(a, b) world.network:mend(a, b) end)
end, "all")

kinds.oneway = kind("one node hears another, and not the other way round", 3 * HOUR, { 5, 1800 }, function(world, fault)
  world.network:block(target(world, fault), world.machines[fault.other])
end, function(world, fault)
  world.network:unblock(target(world, fault), world.machines[fault.other])
end, "pair")

kinds.flap = kind("a line comes and goes", 6 * HOUR, { 60, 600 }, function(world, fault)
  local a, b = target(world, fault), world.machines[fault.other]
  local over = runtime.now() + fault.lasts
  local function pause(most) runtime.sleep(math.max(0, math.min(fault.random:between(0.1, most), over - runtime.now()))) end
  world:spawn(function()
    while runtime.now() < over do
      world.network:cut(a, b)
      pause(40)
      world.network:mend(a, b)
      pause(20)
    end
  end)
end, nil, "pair")

kinds.halfopen = kind("one end of a connection forgets it", 3 * HOUR, { 0, 0 }, function(world, fault)
  local list = target(world, fault).connections
  if #list == 0 then return false end
  fault.random:pick(list):die(false)
end)

-- Processes and machines --------------------------------------------------------------------------------------------------

kinds.kill = kind("kill -9", 4 * HOUR, { 0, 300 }, crash(false), restart)
kinds.power = kind("the power goes, and what was not flushed may be lost", 6 * HOUR, { 5, 900 }, crash(true), restart)
kinds.absence = kind("a node is away for hours", 24 * HOUR, { HOUR, 8 * HOUR }, crash(false), restart)

kinds.stop = kind("a node is stopped in order", 8 * HOUR, { 5, 600 }, function(world, fault)
  local machine = target(world, fault)
  if not machine.run then return false end
  world:spawn(machine.stop, machine)
end, restart)

kinds.move = kind("a node gets another address; those who dial it are told after a while", 24 * HOUR, { 5, 1200 }, function(world, fault)
  local machine = target(world, fault)
  if not machine.run then return false end
  machine:crash(false)
  machine:move()
  machine:start()
end, function(world, fault) world:configure_diallers(target(world, fault)) end)

kinds.clock = kind("a clock jumps, ahead or back", 12 * HOUR, { 0, 0 }, function(world, fault)
  local machine, random = target(world, fault), fault.random
  local most = random:chance(0.2) and 86400 or 60
  machine.clock_offset = machine.clock_offset + math.floor(random:between(-most, most) * 1e6)
end)

do
  local begin, finish = set(target, "clock_drift", 0, function(fault) return fault.random:between(-0.001, 0.001) end)
  kinds.drift = kind("a clock goes wrong", 24 * HOUR, { HOUR, 12 * HOUR }, begin, finish)
end

-- Disks -------------------------------------------------------------------------------------------------------------------

---Flips a bit of a copy, unless it is the last good one.
---@return boolean
local function rot(world, machine, each)
  if not world.atlas:may_damage(machine, each.namespace, each.path) then return false end
  machine.disk:rot(each.namespace, each.path)
  world:tell_damage(machine, each, "rots")
  return true
end

kinds.rot = kind("a bit of a copy flips", HOUR, { 0, 0 }, function(world, fault)
  local machine = target(world, fault)
  local list = machine.disk:list()
  if #list == 0 then return false end
  return rot(world, machine, fault.random:pick(list))
end)

---The last good copy is one that its owner may want to have no more, or any.
kinds.spoil = kind("a bit flips in all copies of an object but one", HOUR / 2, { 0, 0 }, function(world, fault)
  local machine = target(world, fault)
  local list = machine.disk:list(fault.random:chance(0.5) and machine.disk.namespace or nil)
  if #list == 0 then return false end
  local each, happens = fault.random:pick(list), false
  for _, other in ipairs(world.machines) do
    local file = other ~= machine and other.disk:file(each.namespace, each.path)
    happens = file and file.intact and rot(world, other, each) or happens
  end
  return happens
end, nil, "all")

do
  local begin, finish = set(disk_of, "full", false, constant(true))
  kinds.full = kind("a disk is full", 12 * HOUR, { 60, 3600 }, begin, finish)
end

do
  local begin, finish = set(disk_of, "failing", false, function(fault)
    return fault.random:chance(0.3) and 1 or fault.random:between(0.01, 0.5)
  end)
  kinds.failing = kind("a disk gives I/O errors", 12 * HOUR, { 5, 900 }, begin, finish)
end

do
  local begin, finish = set(disk_of, "absent", false, constant(true))
  kinds.vanish = kind("a disk is not there", 24 * HOUR, { 30, 1800 }, begin, finish)
end

do
  local begin, finish = set(disk_of, "flush_fails", false, constant(true))
  kinds.fsync = kind("flushing fails", 24 * HOUR, { 1, 120 }, begin, finish)
end

do
  local begin, finish = set(disk_of, "slow", 1, function(fault) return fault.random:between(10, 1000) end)
  kinds.crawl = kind("a disk is slow", 12 * HOUR, { 30, 1800 }, begin, finish)
end

local function lose_disk(world, fault, backup)
  local machine = target(world, fault)
  if not machine.run or not world.atlas:may_restore(machine, backup) then return false end
  machine:crash(false)
  machine.disk:restore(backup)
end

kinds.wipe = kind("a disk is lost, but for the identity", 48 * HOUR, { 60, HOUR }, function(world, fault)
  return lose_disk(world, fault, {})
end, restart)

kinds.backup = kind("a node is restored from an old backup", 48 * HOUR, { 60, HOUR }, function(world, fault)
  local backup = world.backups[fault.target]
  if not backup then return false end
  return lose_disk(world, fault, backup)
end, restart)

do
  local begin, finish = set(disk_of, "lies", false, constant(true))
  kinds.liar = kind("a peer keeps something else than what it is given", 24 * HOUR, { 60, HOUR }, begin, finish)
end

-- Policies ----------------------------------------------------------------------------------------------------------------

kinds.policy = kind("all nodes change to another policy, and back", 24 * HOUR, { 600, 3 * HOUR }, function(world)
  world:use_policy(world.policy == everywhere and world.given_policy or everywhere)
end, function(world) world:use_policy(world.given_policy) end, "all")

---Whether a policy is only tried: one that makes no sense then is refused.
local function is_example(object) return object.version < 1000 end

---A function that makes no sense once it is in use.
local function later(fn)
  return function(object, peers)
    if is_example(object) then return peers end
    return fn(object, peers)
  end
end

---Ways in which a policy is broken.
local BROKEN = {
  { name = "raises", place = later(function() error "a policy that fails" end) },
  { name = "gives nonsense", place = later(function() return { 42 }, "many" end) },
  { name = "gives nothing", place = later(function() end) },
  { name = "wants more than there are", place = function(_, peers) return peers, #peers end, quorum = 1000 },
  { name = "takes nothing", place = everywhere.place, accept = function() return false, "no" end },
  { name = "fails to judge", place = everywhere.place, accept = function(offer) return is_example(offer) or {} .. "" end },
}

kinds.broken = kind("a node gets a policy that is broken", 24 * HOUR, { 60, 1800 }, function(world, fault)
  target(world, fault).policy = fault.random:pick(BROKEN)
  world:configure(target(world, fault))
end, function(world, fault)
  target(world, fault).policy, target(world, fault).refused_until = nil, runtime.now()
  world:configure(target(world, fault))
end)

-- Schedules ---------------------------------------------------------------------------------------------------------------

---@return string[]  in order
function faults.names() return sorted_keys(kinds) end

---A line about a kind; nil: there is none of that name.
---@param name string
---@return string?
function faults.describe(name) return kinds[name] and kinds[name].what end

---Seconds between two faults of a kind, of all nodes.
local function pause_of(name, nodes, rate) return kinds[name].every / rate / (kinds[name].shared and 1 or nodes) end

---About how many faults a schedule has.
---@param names string[]  kinds
---@return number
function faults.expected(names, nodes, hours, rate)
  local sum = 0
  for _, name in ipairs(names) do sum = sum + hours * HOUR / pause_of(name, nodes, rate) end
  return sum
end

---So many are drawn before others get a turn, and Ctrl-C is looked at.
local TURN = 1000

---Draws all faults of a kind, in order, one with each call. first: how many there are of kinds before.
---@return fun(): filo.sim.Fault?
local function draws(given, name, first)
  local random, rules, count = given.random:fork("fault " .. name), kinds[name], 0
  local pause = pause_of(name, given.nodes, given.rate)
  local at = given.from
  return function()
    at = at + random:wait(pause)
    if at >= given.to then return nil end
    local machine = random:integer(1, given.nodes)
    local other = given.nodes > 1 and (machine + random:integer(1, given.nodes - 1) - 1) % given.nodes + 1 or machine
    local lasts = math.min(random:between(rules.lasts[1], rules.lasts[2]), given.to - at)
    local number = first + count
    count = count + 1
    return { kind = name, at = at, lasts = lasts, target = machine, other = other, random = random:fork("at " .. number) }
  end
end

---How many faults of a kind there are. May wait when there are many.
local function count_of(given, name)
  local count = 0
  for _ in draws(given, name, 0) do
    count = count + 1
    if count % TURN == 0 then runtime.sleep(0) end
  end
  return count
end

---@class filo.sim.Faults  of one kind
---@field next? filo.sim.Fault
---@field draw fun(): filo.sim.Fault?

---The kind whose next fault comes first; of several the one whose name does.
---@param list filo.sim.Faults[]
local function earliest(list)
  local best
  for _, each in ipairs(list) do
    local fault, least = each.next, best and best.next
    if fault and (not least or fault.at < least.at or fault.at == least.at and fault.kind < least.kind) then best = each end
  end
  return best
end

---What gives the faults in the order in which they begin, each time from the beginning: they are drawn as they are wanted, since those of
---years would take more memory than all else. May wait when there are many.
---@param given {random: filo.sim.Random, kinds: string[], nodes: integer, from: number, to: number, rate: number}
---@return fun(): fun(): filo.sim.Fault?
function faults.schedule(given)
  local firsts, count = {}, 0
  for i, name in ipairs(given.kinds) do firsts[i], count = count, count + count_of(given, name) end
  return function()
    local list, number = {}, 0
    for i, name in ipairs(given.kinds) do
      local draw = draws(given, name, firsts[i])
      list[i] = { next = draw(), draw = draw }
    end
    return function()
      local each = earliest(list)
      if not each then return nil end
      local fault = each.next
      each.next, number = each.draw(), number + 1
      fault.number = number
      return fault
    end
  end
end

---A fault in a few words.
function faults.text(fault)
  local rules = kinds[fault.kind]
  local whom = rules.shared and "" or " n" .. fault.target
  local lasts = fault.lasts > 0 and (" for %.0f s"):format(fault.lasts) or ""
  return ("#%d %s%s%s"):format(fault.number, fault.kind, whom, lasts)
end

---The machines that a fault concerns.
local function concerned(world, fault)
  local rules = kinds[fault.kind]
  if rules.shared then return world.machines end
  return { target(world, fault), rules.pair and world.machines[fault.other] or nil }
end

---Begins a fault now, and ends it in its time.
---@return boolean  whether it happened
function faults.happen(world, fault)
  local rules, machines = kinds[fault.kind], concerned(world, fault)
  if rules.begin(world, fault) == false then return false end
  world.trace:tell(nil, nil, "fault " .. faults.text(fault))
  for _, machine in ipairs(machines) do machine:disturb() end
  world:spawn(function()
    runtime.sleep(fault.lasts)
    if rules.finish then
      rules.finish(world, fault)
      world.trace:tell(nil, nil, "fault " .. faults.text(fault) .. " is over")
    end
    for _, machine in ipairs(machines) do machine:calm_down() end
  end)
  return true
end

return faults
