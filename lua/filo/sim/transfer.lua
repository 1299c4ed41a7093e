---Sealed objects on their way between two ends of a simulated connection, a chunk at a time.

local errors = require "filo.base.errors"
local runtime = require "filo.core.runtime"
local sorted_keys = require "filo.base.sorted_keys"

local transfer = {}

---@class filo.sim.Transfer
local Transfer = {}
Transfer.__index = Transfer

local function end_with(self, err)
  if self.over then return end
  self.over, self.err = true, err
  self.connection[self.table][self.stream] = nil
  self.handle:close()
  if self.waiter then runtime.wake(self.waiter) end
end

local function new(connection, direction, number, handle)
  connection[direction] = connection[direction] or {}
  local self = setmetatable({ connection = connection, table = direction, stream = number, handle = handle, moved = 0 }, Transfer)
  connection[direction][number] = self
  return self
end

local function at_far_end(connection, direction, number)
  local list = connection[direction]
  return list and list[number]
end

-- Sending -----------------------------------------------------------------------------------------------------------------

local function on_reset_of_receiver(connection, number, code)
  local self = at_far_end(connection, "receiving", number)
  if self then end_with(self, errors.new(code, "the other side gave the stream up")) end
end

local function on_part(connection, number, part)
  local self = at_far_end(connection, "receiving", number)
  if self then self:take(part) end
end

---What is sent next: the hash list, chunks, and then the end.
local function next_part(self)
  if self.hashes then
    self.hashes = false
    local hashes = self.handle.file.hashes
    return { hashes = hashes }, 32 * #hashes
  end
  if self.chunk > self.last then return { ended = true }, 0 end
  local bytes, err = self.handle:sealed_chunk(self.chunk)
  if not bytes then return nil, err end
  self.chunk = self.chunk + 1
  return { chunk = self.chunk - 1, bytes = bytes }, #bytes
end

local function pump(self)
  if self.over then return end
  local connection = self.connection
  local part, size = next_part(self)
  if not part then
    connection:carry(16, on_reset_of_receiver, self.stream, size.code)
    return end_with(self, size)
  end
  self.moved = self.moved + size
  connection.network:count_chunk(connection, size)
  connection:carry(size + 16, on_part, self.stream, part)
  if part.ended then return end_with(self) end
  runtime.later(size / connection.network.bandwidth * connection.machine.slow, pump, self)
end

---As connection:send_object.
---@return filo.sim.Transfer?, filo.Error?
function transfer.send(connection, object, hashes, first, count)
  if connection.closed then return nil, connection.closed end
  local chunks = object.store:chunk_count(object:fields().size)
  first = first or 0
  local last = math.min(chunks, count and first + count or chunks) - 1
  if not hashes and last < first then return errors.fail("invalid", "there is nothing to send") end
  connection.streams = (connection.streams or 0) + 1
  local self = new(connection, "sending", connection.streams, object:share())
  self.hashes, self.chunk, self.last = hashes == true, first, last
  return self
end

local function on_attached(connection, number)
  local self = at_far_end(connection, "sending", number)
  if self then return pump(self) end
  connection:carry(16, on_reset_of_receiver, number, "closed")
end

-- Receiving -----------------------------------------------------------------------------------------------------------

local function on_reset_of_sender(connection, number)
  local self = at_far_end(connection, "sending", number)
  if self then end_with(self, errors.new("closed", "the other side gave the stream up")) end
end

---As connection:receive_object.
---@return filo.sim.Transfer?, filo.Error?
function transfer.receive(connection, number, partial)
  if connection.closed then return nil, connection.closed end
  local self = new(connection, "receiving", number, partial:share())
  connection:carry(16, on_attached, number)
  return self
end

local function store_part(self, part)
  if part.hashes then return self.handle:take_hashes(part.hashes) end
  return self.handle:take_chunk(part.chunk, part.bytes)
end

function Transfer:take(part)
  if part.ended then return end_with(self) end
  self.moved = self.moved + (part.hashes and 32 * #part.hashes or #part.bytes)
  local ok, err = store_part(self, part)
  if ok then return end
  self.connection:carry(16, on_reset_of_sender, self.stream)
  end_with(self, err)
end

-- Both ----------------------------------------------------------------------------------------------------------------

---@return true?, filo.Error?
function Transfer:join(seconds)
  if not self.over then
    self.waiter = runtime.current()
    local ok, err = pcall(runtime.suspend, seconds)
    self.waiter = nil
    if not ok then error(err, 0) end
  end
  if not self.over then return errors.fail("timeout", "the transfer is not done yet") end
  if self.err then return nil, self.err end
  return true
end

function Transfer:number() return self.stream end

function Transfer:bytes() return self.moved end

function Transfer:close()
  if self.over then return end
  local far = self.table == "sending" and on_reset_of_receiver or on_reset_of_sender
  if not self.connection.closed then self.connection:carry(16, far, self.stream, "closed") end
  end_with(self, errors.new("cancelled", "the transfer was given up"))
end

Transfer.__close = Transfer.close

---The connection has ended.
function transfer.end_all(connection, err)
  for _, direction in ipairs { "sending", "receiving" } do
    for _, number in ipairs(sorted_keys(connection[direction] or {})) do end_with(connection[direction][number], err) end
  end
end

return transfer
