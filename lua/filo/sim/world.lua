---A simulated world: machines, the network between them, and what is known of them from outside.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local identity = require "filo.sim.identity"
local inside = require "filo.base.inside"
local default_limits = require "filo.host.limits"
local new_atlas = require "filo.sim.atlas"
local new_checks = require("filo.sim.checks").new
local new_disk = require "filo.sim.disk"
local new_ledger = require("filo.sim.ledger").new
local new_machine = require "filo.sim.machine"
local new_network = require "filo.sim.network"
local new_random = require "filo.sim.random"
local new_traffic = require "filo.sim.traffic"
local runtime = require "filo.core.runtime"

---@class filo.sim.World
---@field machines filo.sim.Machine[]
---@field by_id table<string, filo.sim.Machine>  by the IDs of their nodes
---@field network filo.sim.Network
---@field trace filo.sim.Trace
---@field ledger filo.sim.Ledger
---@field atlas filo.sim.Atlas
---@field checks filo.sim.Checks
---@field traffic filo.sim.Traffic
---@field policy filo.Policy
---@field scheme? filo.sim.Scheme
---@field problems filo.sim.Problems  of the policy, or the scheme
---@field any_started? boolean  a node has served
---@field many boolean  it has many links
---@field quiet boolean  faults are over, and users do nothing more
---@field backups table[]  of each machine's disk, the last one
---@field altered table<string, filo.sim.Fault>  what has another value than usual, and by which fault
local World = {}
World.__index = World

---Everything is small: a chunk has 4 KiB where a real one has 1 MiB, and lines and disks are slower and smaller by as much.
local CHUNK, INLINE = 4096, 512
local BANDWIDTH, CAPACITY, FOLLOW = 1 << 20, 64 << 20, 900

---Time passes faster, too: what lies there is read again within these seconds.
local SCRUB = 8 * 3600

---With so many ends of connections it is memory that limits a world: garbage is collected soon.
local MANY_LINKS = 5000

---Of more nodes than that each knows those only with which it has a link: it is the lines that make a world large.
local MESH = 64

---So many are made before others get a turn, and Ctrl-C is looked at.
local TURN = 100

---Where the nodes are, as they tell each other.
local ZONES = { "a", "b", "c" }
local TAGS = { { "ssd" }, {}, { "ssd", "ups" }, { "phone" }, {} }

---The world's own limits: those of a real host, but for what goes by the size of chunks; and peers are asked for news less often, which
---would be half of all that a simulation computes.
local function limits_of(nodes, links)
  local limits = {}
  for name, value in pairs(default_limits) do limits[name] = value end
  limits.inline, limits.least_bytes, limits.follow = INLINE, CHUNK // 16, FOLLOW
  if nodes > MESH then limits.members = links end
  return limits
end

---Whom each node dials: its neighbours on a ring, and some at random.
local function draw_links(self, links)
  local count, random = #self.machines, self.random:fork "links"
  for i, machine in ipairs(self.machines) do
    local seen = { [i] = true }
    machine.dials = {}
    local wanted = math.min(math.max(1, links // 2), (count - 1 + 1) // 2)
    for step = 1, wanted do
      local other = step == 1 and i % count + 1 or random:integer(1, count)
      while seen[other] and step > 1 do other = random:integer(1, count) end
      if not seen[other] then
        seen[other] = true
        table.insert(machine.dials, self.machines[other])
      end
    end
  end
end

---Made, which may wait when they are many. on_start is called each time that a node has started to serve.
---@param given {seed: integer, nodes: integer, links: integer, policy: filo.Policy, trace: filo.sim.Trace, durability?: string,
---  on_start?: fun(), scheme?: filo.sim.Scheme, problems?: filo.sim.Problems}
---@return filo.sim.World
local function new(given)
  local random = new_random(given.seed)
  local self = setmetatable({
    random = random, trace = given.trace, policy = given.policy, given_policy = given.policy, durability = given.durability,
    scheme = given.scheme, problems = given.problems,
    on_start = given.on_start, keyring = identity.new_keyring(), limits = limits_of(given.nodes, given.links),
    chunk_size = CHUNK, capacity = CAPACITY, machines = {}, by_id = {}, backups = {}, altered = {}, operations = {}, quiet = false,
  }, World)
  self.no_disk = new_disk(random:fork "no disk", 0)
  self.no_disk.absent = true
  self.ledger, self.checks = new_ledger(), new_checks(self)
  self.atlas, self.traffic = new_atlas(self.machines, self.ledger), new_traffic()
  self.network = new_network {
    random = random:fork "network", bandwidth = BANDWIDTH,
    spy = function(from, to, message, bytes)
      self.trace:bytes(from.index, to.index, bytes)
      self.checks:spy(bytes)
      self.traffic:see(from, to, message)
    end,
  }
  self.many = given.nodes * given.links > MANY_LINKS
  for i = 1, given.nodes do
    self.machines[i] = new_machine(self, i)
    if i % TURN == 0 then runtime.sleep(0) end
  end
  draw_links(self, given.links)
  return self
end

---Who holds copies, by what a machine's node is told.
local function policy_of(self, machine)
  if machine.policy then return machine.policy end
  local part = self.policy == self.given_policy and machine.run and machine.run.part
  return machine:noting_refusals(part and part.policy or self.policy)
end

---The options of a machine's node, as a script would give them.
---@param machine filo.sim.Machine
---@return filo.NodeOptions
function World:options_of(machine)
  local addresses = {}
  for i, other in ipairs(machine.dials) do addresses[i] = other.address end
  local options = {
    root = "/node", identity = "/identity", create = machine.runs == 1, listen = machine.address, bootstrap = addresses,
    cluster = "5f1e0c6b9d2748a3b7e40d1c86f29a55", policy = policy_of(self, machine),
    durability = self.durability or "full", reserve = 0, scrub = { every = SCRUB },
    about = {
      name = machine.name, zone = ZONES[machine.index % #ZONES + 1], tags = TAGS[machine.index % #TAGS + 1],
      capacity = (1 + machine.index % 3) << 30,
    },
  }
  local part = machine.run and machine.run.part
  for name, value in pairs(part and part.options or {}) do options[name] = value end
  for name, value in pairs(machine.options or {}) do options[name] = value end
  options.policy = options.policy or nil -- false: none is named
  return options
end

---A node serves.
function World:started(machine, run)
  self.any_started = true
  machine.id = run.node.id
  self.by_id[machine.id] = machine
  if self.on_start then self.on_start() end
end

---A task of the world itself.
function World:spawn(fn, ...) return runtime.spawn_detached(fn, ...) end -- luacheck: no self

---Other options for a node that runs, as its node.lua would give them.
function World:configure(machine)
  local node = machine.run and machine.run.node
  if not node or inside.of(node).closed then return end
  local ok, err = errors.try(node.configure, node, self:options_of(machine))
  if not ok then self.trace:tell(machine.name, nil, "goes on as it is: " .. errors.text(err)) end -- its policy was refused
end

---Tells those who dial a machine where it is now.
function World:configure_diallers(machine)
  for _, other in ipairs(self.machines) do
    for _, dialled in ipairs(other.dials) do
      if dialled == machine then self:configure(other) end
    end
  end
end

---Another policy for all.
function World:use_policy(policy)
  self.policy = policy
  for _, machine in ipairs(self.machines) do self:configure(machine) end
end

---The power of a machine goes. With durability "none" that takes back what was acknowledged.
function World:power_cut(machine)
  local unflushed = self.durability == "none"
  machine.disk:power_cut(unflushed, function(namespace, path)
    return not unflushed or self.atlas:may_damage(machine, namespace, path)
  end)
end

---A copy was damaged.
---@param each {namespace: string, path: string}
function World:tell_damage(machine, each, what)
  local entry = self.ledger:at(each.namespace, each.path)
  local of = entry and entry.subject or "an object that was not acknowledged"
  self.trace:tell(machine.name, entry and entry.subject, ("the copy of %s %s"):format(of, what))
end

---An operation on an object begins; it ends with the scope of what this gives.
---@param kind string
---@param entry filo.sim.Entry
function World:operate(kind, entry)
  local operation = { kind = kind, subject = entry.subject, since = runtime.now() }
  self.operations[entry.subject] = operation
  return setmetatable(operation, { __close = function() self.operations[entry.subject] = nil end })
end

---@param entry filo.sim.Entry
---@return boolean
function World:is_busy(entry) return self.operations[entry.subject] ~= nil end

---What is under way, in order.
---@return {kind: string, subject: string, since: number}[]
function World:under_way()
  local list = {}
  for _, operation in pairs(self.operations) do list[#list + 1] = operation end
  table.sort(list, function(a, b) return a.subject < b.subject end)
  return list
end

---A backup of every disk.
function World:back_up()
  for i, machine in ipairs(self.machines) do self.backups[i] = machine.disk:backup() end
end

---Faults are over: whoever is down is started, and users do nothing more.
function World:be_quiet()
  self.quiet = true
  self.trace:tell(nil, nil, "faults are over")
  for _, machine in ipairs(self.machines) do machine:start() end
end

---Until the scope of what this gives ends, garbage is collected soon where nodes have many links, which takes much room; else late, which
---takes less time.
---@return table
function World:tune_collector()
  local pause, multiplier = collectgarbage("setpause", self.many and 105 or 400), collectgarbage("setstepmul", self.many and 1000 or 400)
  return at_end(function()
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", multiplier)
  end)
end

---All connections end at once. Nodes make new ones.
function World:cut_all()
  for _, machine in ipairs(self.machines) do
    for _, each in ipairs(table.move(machine.connections, 1, #machine.connections, 1, {})) do each:die(true) end
  end
end

function World:start()
  for _, machine in ipairs(self.machines) do machine:start() end
end

---Ends everything at once.
function World:stop()
  for _, machine in ipairs(self.machines) do machine:crash(false) end
end

---It is broken off: its nodes start nothing more while their tasks end.
function World:abandon()
  for _, machine in ipairs(self.machines) do
    if machine.run then machine.run.ended = true end
  end
end

return new
