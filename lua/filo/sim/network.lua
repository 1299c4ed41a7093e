---A simulated network: who reaches whom, how long bytes take, and what has been sent. Connections are TCP's, so that what is lost on the
---way comes late, and what never comes is noticed by silence.

local Connection = require "filo.sim.connection"
local errors = require "filo.base.errors"
local runtime = require "filo.core.runtime"

---@class filo.sim.Network
---@field loss number  the share of packets that are lost, and come after a while
---@field delay number  seconds that each takes more
---@field bytes integer  sent so far
---@field content integer  of these in chunks
---@field messages integer
local Network = {}
Network.__index = Network

---Waits for connections at an address.
---@class filo.sim.Listener
local Listener = {}
Listener.__index = Listener

---Bytes a second; above this size a message waits for its turn on the sender's line.
local LARGE = 16384
local RETRANSMIT = 0.2

---@param given {random: filo.sim.Random, bandwidth: number,
---  spy: fun(from: filo.sim.Machine, to: filo.sim.Machine, message: table, bytes: string)}
---@return filo.sim.Network
local function new(given)
  return setmetatable({
    random = given.random, salt = given.random:fork("distances").state, bandwidth = given.bandwidth, spy = given.spy, listeners = {},
    machines = {}, blocks = {}, loss = 0, delay = 0, bytes = 0, content = 0, messages = 0, connections = 0,
  }, Network)
end

-- Distance and time -------------------------------------------------------------------------------------------------------

---Seconds from one machine to another: from 0.2 ms, in one room, to 60 ms, across an ocean.
function Network:distance(a, b)
  local low, high = math.min(a.index, b.index), math.max(a.index, b.index)
  local unit = (((low * 0x9e3779b97f4a7c15 ~ high * 0xc2b2ae3d27d4eb4f ~ self.salt) * 0xff51afd7ed558ccd) >> 40) * 0x1p-24
  return 0.0002 * 300 ^ unit
end

---When bytes that are sent now arrive.
function Network:arrival(connection, size)
  local from, at = connection.machine, runtime.now()
  if size > LARGE then
    at = math.max(at, from.line_free or 0) + size / (self.bandwidth / from.slow)
    from.line_free = at
  end
  at = at + connection.distance * (1 + 0.2 * self.random:unit()) + self.delay + from.lag + connection.other.machine.lag
  local pause = RETRANSMIT
  while self.loss > 0 and self.random:chance(self.loss) and pause < 30 do
    at, pause = at + pause, pause * 2
  end
  return at
end

---A message is on its way.
function Network:count(connection, message, bytes)
  self.messages, self.bytes = self.messages + 1, self.bytes + #bytes
  self.spy(connection.machine, connection.other.machine, message, bytes)
end

---A chunk, or a hash list, is on its way.
function Network:count_chunk(connection, size)
  self.bytes, self.content = self.bytes + size, self.content + size
  connection.machine.sent = (connection.machine.sent or 0) + size
end

-- Who reaches whom --------------------------------------------------------------------------------------------------------

local function path_of(a, b) return a.index << 24 | b.index end

function Network:is_blocked(from, to) return self.blocks[path_of(from, to)] ~= nil end

---Nothing goes from one machine to another until as many `unblock`.
function Network:block(from, to)
  local path = path_of(from, to)
  self.blocks[path] = (self.blocks[path] or 0) + 1
  if self.blocks[path] > 1 then return end
  for _, each in ipairs(to:connections_with(from)) do each:fall_silent() end
end

function Network:unblock(from, to)
  local path = path_of(from, to)
  self.blocks[path] = self.blocks[path] > 1 and self.blocks[path] - 1 or nil
  if self.blocks[path] then return end
  for _, each in ipairs(to:connections_with(from)) do each:hear_again() end
end

---The same both ways.
function Network:cut(a, b)
  self:block(a, b)
  self:block(b, a)
end

function Network:mend(a, b)
  self:unblock(a, b)
  self:unblock(b, a)
end

-- Dialling and listening ----------------------------------------------------------------------------------------------

---@return filo.sim.Listener?, filo.Error?
function Network:listen(machine, address)
  if self.listeners[address] then return errors.fail("exists", "somebody listens there already") end
  local listener = setmetatable({ network = self, machine = machine, at = address, queue = {} }, Listener)
  self.listeners[address] = listener
  return listener
end

---@return filo.sim.Listener[]
function Network:listeners_of(machine)
  local list = {}
  for _, each in pairs(self.listeners) do
    if each.machine == machine then list[#list + 1] = each end
  end
  return list
end

function Listener:address() return self.at end

function Listener:close()
  if self.closed then return end
  self.closed = true
  if self.network.listeners[self.at] == self then self.network.listeners[self.at] = nil end
  if self.waiter then runtime.wake(self.waiter) end
end

Listener.__close = Listener.close

---@return filo.sim.Connection?, filo.Error?
function Listener:accept(options)
  while not self.closed and not self.queue[1] do
    self.waiter = runtime.current()
    runtime.suspend()
  end
  if self.closed then return errors.fail("closed", "the listener is closed") end
  return table.remove(self.queue, 1):accepted(self.machine, options)
end

---Who may be at an address, and whether it can be reached now.
local function reach(self, machine, address)
  local listener, owner = self.listeners[address], self.machines[address]
  if not owner or not owner.powered or self:is_blocked(machine, owner) or self:is_blocked(owner, machine) then
    return nil, errors.new("timeout", ("cannot connect to %s: no answer"):format(address))
  end
  if not listener then return nil, errors.new("unreachable", ("cannot connect to %s: connection refused"):format(address)), owner end
  return listener
end

---@return filo.sim.Connection?, filo.Error?
function Network:dial(machine, address, options)
  local listener, err, owner = reach(self, machine, address)
  if not listener then
    runtime.sleep(owner and 2 * self:distance(machine, owner) or options.dial_timeout or 10)
    return nil, err
  end
  self.connections = self.connections + 1
  local connection = Connection.dial(self, machine, listener.machine, options, self.connections)
  runtime.sleep(connection.distance)
  if listener.closed then return errors.fail("unreachable", ("cannot connect to %s: connection refused"):format(address)) end
  table.insert(listener.queue, connection)
  if listener.waiter then runtime.wake(listener.waiter) end
  return connection:wait_accepted(options.handshake_timeout or 10)
end

return new
