---One end of a simulated connection: what filo.core.net gives.

local at_end = require "filo.host.at_end"
local cbor = require "filo.core.cbor"
local errors = require "filo.base.errors"
local runtime = require "filo.core.runtime"
local transfer = require "filo.sim.transfer"

---@class filo.sim.Connection
---@field machine filo.sim.Machine
---@field other? filo.sim.Connection
---@field since number  when it was made
local Connection = {}
Connection.__index = Connection

local MESSAGE_MOST, QUEUE_MOST = 1 << 20, 4 << 20

local function new(network, machine, id, silence, serial)
  return setmetatable({
    network = network, machine = machine, id = id, silence = silence or 0, serial = serial, queued = 0, arrives = 0, received = 0,
    bytes_out = 0, distance = 0, far = "", since = runtime.now(),
  }, Connection)
end

-- Making ------------------------------------------------------------------------------------------------------------------

---The dialling end; the other is made when it is accepted.
function Connection.dial(network, machine, target, options, serial)
  local self = new(network, machine, options.id, options.silence_timeout, serial)
  self.dialler, self.distance, self.far = true, network:distance(machine, target), target.address
  return self
end

---The accepting end.
---@return filo.sim.Connection
function Connection:accepted(machine, options)
  local network = self.network
  local other = new(network, machine, options.id, options.silence_timeout, self.serial)
  other.distance, other.far, other.other = self.distance, ("%s:%d"):format(self.machine.host_name, 32768 + self.serial % 28000), self
  self.other = other
  self.machine:add_connection(self)
  machine:add_connection(other)
  if self.abandoned or not self.machine.run then return other:lose(errors.new("closed", "the dialler has gone")) or other end
  if network:is_blocked(self.machine, machine) then other:fall_silent() end
  if network:is_blocked(machine, self.machine) then self:fall_silent() end
  runtime.later(self.distance, function() if self.dialling then runtime.wake(self.dialling) end end)
  return other
end

---@return filo.sim.Connection?, filo.Error?
function Connection:wait_accepted(seconds)
  self.dialling = runtime.current()
  local _ <close> = at_end(function()
    self.dialling = nil
    if not self.other or self.closed then self.abandoned = true end
  end)
  runtime.suspend(seconds)
  if self.closed then return nil, self.closed end
  if self.other then return self end
  return errors.fail("timeout", ("the handshake with %s took too long"):format(self.far))
end

---@return filo.sim.Connection?, filo.Error?
function Connection:ready()
  runtime.sleep(2 * self.distance)
  if self.closed then return nil, self.closed end
  return self
end

-- The way to the other end --------------------------------------------------------------------------------------------

local function on_far_end(self, code, reason) self:lose(errors.new(code, reason)) end

local function arrive(self, fn, a, b)
  local other = self.other
  if other.closed then -- the system says so, for a process that has the connection no more
    if other.machine.powered and not self.closed then other:carry(16, on_far_end, "unreachable", "the connection was reset") end
    return
  end
  if not self.network:is_blocked(self.machine, other.machine) then return fn(other, a, b) end
  self.held = self.held or {}
  table.insert(self.held, { fn, a, b })
end

---Calls fn(other end, a, b) when bytes that are sent now arrive. In order.
function Connection:carry(size, fn, a, b)
  local now = runtime.now()
  local at = math.max(self.arrives, self.network:arrival(self, size))
  self.arrives = at
  runtime.later(at - now, arrive, self, fn, a or false, b or false)
end

---The other end cannot be heard from now on.
function Connection:fall_silent()
  local mark = {}
  self.silent = mark
  if self.silence == 0 then return end
  runtime.later(self.silence, function()
    if self.silent == mark then self:close("timeout", ("nothing came for %g s"):format(self.silence)) end
  end)
end

---It can be heard again, if it is there still: what it has sent meanwhile comes.
function Connection:hear_again()
  if self.other.closed then return end
  self.silent = nil
  local held = self.other.held or {}
  self.other.held = nil
  for _, each in ipairs(held) do
    if not self.closed then each[1](self, each[2], each[3]) end
  end
end

---The connection has ended at this end.
function Connection:lose(err)
  if self.closed then return end
  self.closed, self.silent = err, nil
  self.machine:remove_connection(self)
  transfer.end_all(self, err)
  if self.waiter then runtime.wake(self.waiter) end
  for _, task in ipairs(self.drain_waiters or {}) do runtime.wake(task) end
  if self.dialling then runtime.wake(self.dialling) end
end

---Ends it with the process that has it; told: the other end learns it at once (the system says so), else by silence.
function Connection:die(told)
  self:lose(errors.new("closed", "the process has ended"))
  if not self.other then return end
  if told then return self:carry(16, on_far_end, "unreachable", "the connection was reset") end
  if not self.other.closed then self.other:fall_silent() end
end

---@param code? string
---@param reason? string
function Connection:close(code, reason)
  if self.closed then return end
  code = code or "closed"
  self.inbox = nil
  self:lose(errors.new(code, reason or "closed here"))
  if self.other then self:carry(16, on_far_end, code, "the other side closed the connection: " .. (reason or code)) end
end

function Connection:__close() self:close() end

-- Messages ----------------------------------------------------------------------------------------------------------------

local function on_message(self, bytes)
  local sender = self.other
  sender.queued = sender.queued - #bytes
  if sender.drain_waiters and sender.queued < QUEUE_MOST // 2 then
    for _, task in ipairs(sender.drain_waiters) do runtime.wake(task) end
    sender.drain_waiters = nil
  end
  self.received = self.received + #bytes
  local inbox = self.inbox or { first = 1, last = 0 }
  self.inbox = inbox
  inbox.last = inbox.last + 1
  inbox[inbox.last] = bytes
  if self.waiter then runtime.wake(self.waiter) end
end

---@return true?, filo.Error?
function Connection:send(message)
  if self.closed then return nil, self.closed end
  local bytes = cbor.encode(message)
  if #bytes > MESSAGE_MOST then return errors.fail("too_large", ("a message of %d bytes, %d at most"):format(#bytes, MESSAGE_MOST)) end
  if self.queued + #bytes > QUEUE_MOST then return errors.fail("busy", "too much waits to be sent") end
  self.queued = self.queued + #bytes
  self.bytes_out = self.bytes_out + #bytes
  self.network:count(self, message, bytes)
  self:carry(#bytes, on_message, bytes)
  return true, self.queued
end

local function next_message(inbox)
  local bytes = inbox[inbox.first]
  inbox[inbox.first] = nil
  inbox.first = inbox.first + 1
  local message, err = cbor.decode(bytes)
  if type(message) == "table" then return message, #bytes end
  return nil, errors.new("protocol", tostring(err))
end

---Waits as the waiter of this end; a cancellation leaves no trace.
local function wait(self, seconds)
  self.waiter = runtime.current()
  local ok, err = pcall(runtime.suspend, seconds)
  self.waiter = nil
  if not ok then error(err, 0) end
end

---@return table?, integer|filo.Error
function Connection:receive(seconds)
  local deadline = seconds and runtime.now() + seconds
  while true do
    local inbox = self.inbox
    if inbox then
      if inbox.first == inbox.last then self.inbox = nil end -- an idle connection takes little room
      return next_message(inbox)
    end
    if self.closed then return nil, self.closed end
    local left = deadline and deadline - runtime.now()
    if left and left <= 0 then return errors.fail("timeout", "no message came in time") end
    wait(self, left)
  end
end

---@return true?, filo.Error?
function Connection:drained(seconds)
  if self.closed then return nil, self.closed end
  self.drain_waiters = self.drain_waiters or {}
  table.insert(self.drain_waiters, runtime.current())
  local in_time = runtime.suspend(seconds)
  if self.closed then return nil, self.closed end
  if in_time then return true end
  return errors.fail("timeout", "there was no room in time")
end

-- Objects -----------------------------------------------------------------------------------------------------------------

Connection.send_object, Connection.receive_object = transfer.send, transfer.receive

---Scripts are not simulated, but for policies, which cannot open streams.
function Connection:open_stream() -- luacheck: no self
  return errors.fail("unsupported", "streams of scripts are not simulated")
end

function Connection:attach_stream() return self:open_stream() end

function Connection:cut_stream() end -- luacheck: no self

-- Facts -------------------------------------------------------------------------------------------------------------------

function Connection:admit() end -- luacheck: no self

function Connection:peer() return self.other.id, true end

function Connection:binding() return string.pack("<I8", self.serial) .. ("\0"):rep(24) end

function Connection:is_dialler() return self.dialler == true end

function Connection:remote() return self.far end

function Connection:local_address() return self.machine.address end

function Connection:rtt()
  return 2 * (self.distance + self.network.delay + self.machine.lag + (self.other and self.other.machine.lag or 0))
end

---Bytes that have come from the other end.
function Connection:bytes_in() return self.received end

function Connection:stats()
  return {
    bytes_in = self.received, bytes_out = self.bytes_out, messages_in = 0, messages_out = 0, queued = self.queued,
    acknowledged = 0, under_way = false, idle = 0, rtt = self:rtt(),
  }
end

return Connection
