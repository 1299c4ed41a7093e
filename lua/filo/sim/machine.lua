---A simulated computer: its disk and its clock, which stay, and the process that runs a node, which comes and goes.

local errors = require "filo.base.errors"
local going = require "filo.sim.going"
local new_disk = require "filo.sim.disk"
local new_host = require "filo.sim.host"
local new_node = require "filo.node"
local runtime = require "filo.core.runtime"

---One run of a node's process.
---@class filo.sim.Run
---@field machine filo.sim.Machine
---@field node? filo.Node
---@field since number  when it began
---@field part? filo.sim.Part  of the scheme that is tried
---@field ended? boolean
local Run = {}
Run.__index = Run

---@class filo.sim.Machine
---@field index integer
---@field name string
---@field address string  where its node listens
---@field disk filo.sim.Disk
---@field files table<string, table>  of its user: see files.lua
---@field powered boolean
---@field slow number  how many times slower than usual its line is
---@field lag number  seconds that what it sends, and what it is sent, takes more
---@field clock_offset integer  microseconds that its clock is ahead
---@field clock_drift number  and seconds a second by which that grows
---@field policy? filo.Policy  of its own, instead of the world's
---@field options? filo.NodeOptions  what its node is given in the place of the world's, or besides
---@field refused_until? number  until then it had a policy that may have refused deletions, too: it keeps what it was to delete
---@field faults integer  that concern it now
---@field disturbed number  when the last one ended
---@field run? filo.sim.Run
---@field parted table<filo.sim.Machine, number>  when a connection with each ended last
local Machine = {}
Machine.__index = Machine

---Where the simulated time begins, in seconds since 1970.
local EPOCH = 1800000000
local RESTART_SECONDS = 60

-- Runs --------------------------------------------------------------------------------------------------------------------

---A task of the process: it ends with it.
function Run:spawn(fn, ...)
  local task = runtime.spawn_detached(fn, ...)
  if self.ended then
    task:cancel "the process has ended"
    return task
  end
  local tasks = self.tasks
  if #tasks >= self.tidy_at then
    local live = {}
    for _, each in ipairs(tasks) do
      if each:status() ~= "ended" then live[#live + 1] = each end
    end
    self.tasks, self.tidy_at = live, #live + #live // 4 + 8
    tasks = live
  end
  tasks[#tasks + 1] = task
  return task
end

---Ends the process as kill -9 does: it does nothing more, and what it has is gone.
function Run:die()
  self.ended = true
  if self.store then self.store.disk = self.machine.world.no_disk end
  for _, each in ipairs(self.tasks) do each:cancel "the process has ended" end
end

-- Machines ----------------------------------------------------------------------------------------------------------------

---@param world filo.sim.World
---@param index integer
---@return filo.sim.Machine
local function new(world, index)
  local self = setmetatable({
    world = world, index = index, name = "n" .. index, host_name = ("10.%d.%d.%d"):format(index >> 16, index >> 8 & 255, index & 255),
    moves = 0, faults = 0, disturbed = 0, powered = true, files = {},
    slow = 1, lag = 0, clock_offset = 0, clock_drift = 0, connections = {}, parted = {}, runs = 0,
  }, Machine)
  self.random = world.random:fork("machine " .. index)
  self.disk = new_disk(self.random:fork "disk", world.capacity)
  self:move()
  return self
end

---Another address, or the first one.
function Machine:move()
  self.moves = self.moves + 1
  self.address = ("%s:%d"):format(self.host_name, 7170 + self.moves)
end

---A fault that concerns it begins.
function Machine:disturb() self.faults = self.faults + 1 end

---It is over.
function Machine:calm_down() self.faults, self.disturbed = self.faults - 1, runtime.now() end

---Whether no fault has concerned it since then.
---@param since number
---@return boolean
function Machine:was_calm(since) return self.faults == 0 and self.disturbed < since end

---What its clock shows, in microseconds since 1970.
---@return integer
function Machine:microseconds()
  local now = runtime.now()
  return math.floor((EPOCH + now + now * self.clock_drift) * 1e6) + self.clock_offset
end

function Machine:add_connection(connection)
  self.connections[#self.connections + 1] = connection
  connection.place = #self.connections
end

function Machine:remove_connection(connection)
  local list, place = self.connections, connection.place
  if not place then return end
  local last = table.remove(list)
  if last ~= connection then list[place], last.place = last, place end
  connection.place = nil
  self.parted[connection.other.machine] = runtime.now()
end

---Its ends of the connections with another.
---@return filo.sim.Connection[]
function Machine:connections_with(other)
  local list = {}
  for _, each in ipairs(self.connections) do
    if each.other.machine == other then list[#list + 1] = each end
  end
  return list
end

---The others that it has been connected with at some time since then.
---@param since number
---@return table<filo.sim.Machine, true>
function Machine:met_since(since)
  local met = {}
  for other, parted in pairs(self.parted) do met[other] = parted >= since or nil end
  for _, each in ipairs(self.connections) do met[each.other.machine] = true end
  return met
end

local function serve(self, run)
  while true do
    local ok, node, err = errors.try(new_node, new_host(run), self.world:options_of(self))
    if not ok then node, err = nil, node end -- its policy was refused
    if node then
      run.node = node
      self.world:configure(self) -- what its options are may have changed while it started
      self.world.trace:tell(self.name, nil, "serves at " .. self.address)
      going.watch(self.world, self, node)
      if run.part then run.part:start(node) end
      return self.world:started(self, run)
    end
    self.world.trace:tell(self.name, nil, "cannot start: " .. errors.text(err))
    runtime.sleep(RESTART_SECONDS)
  end
end

---The policy as this machine's own: that it refused a deletion is remembered.
---@param policy filo.Policy
---@return filo.Policy
function Machine:noting_refusals(policy)
  if not policy.accept then return policy end
  local noting = {}
  for name, value in pairs(policy) do noting[name] = value end
  function noting.accept(offer, ...)
    local accepted, reason = policy.accept(offer, ...)
    if accepted == false and offer.tombstone then self.refused_until = runtime.now() end
    return accepted, reason
  end
  return noting
end

---Starts its node.
function Machine:start()
  if self.run then return end
  self.runs, self.powered = self.runs + 1, true
  local run = setmetatable({
    machine = self, world = self.world, since = runtime.now(), tasks = {}, tidy_at = 8, random = self.random:fork("run " .. self.runs),
  }, Run)
  self.run = run
  run.part = self.world.scheme and self.world.scheme:part(run, self.world.problems)
  self.world.network.machines[self.address] = self
  run:spawn(serve, self, run)
end

---Ends its process at once. power: the machine's too, so that nobody is told, and what was not flushed may be lost.
---@param power boolean
function Machine:crash(power)
  local run = self.run
  if not run then return end
  self.run = nil
  run:die()
  self.powered = not power
  local connections = table.move(self.connections, 1, #self.connections, 1, {})
  for _, each in ipairs(connections) do each:die(not power) end
  for _, listener in ipairs(self.world.network:listeners_of(self)) do listener:close() end
  if power then self.world:power_cut(self) end
end

---Stops its node in order, and waits for that.
function Machine:stop()
  local run = self.run
  if not run then return end
  local node = run.node
  run.node = nil -- nobody calls it from now on
  if node then node:close() end
  if self.run == run then self:crash(false) end
end

return new
