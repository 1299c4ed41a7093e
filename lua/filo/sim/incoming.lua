---Copies on their way into a simulated store, shared by who fills them and who reads them.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local new_reader = require "filo.sim.reader"
local record = require "filo.sim.record"
local runtime = require "filo.core.runtime"

---@class filo.sim.Incoming  what all handles on one copy share
---@class filo.sim.Partial
local Partial = {}
Partial.__index = Partial

local function chunk_count(incoming) return incoming.store:chunk_count(incoming.fields.size) end

local function wake_readers(incoming)
  local tasks = incoming.readers
  incoming.readers = {}
  for _, task in ipairs(tasks) do runtime.wake(task) end
end

local function new_handle(incoming)
  incoming.handles = incoming.handles + 1
  incoming.store:hold()
  return setmetatable({ incoming = incoming }, Partial)
end

---@param store filo.sim.Store
---@param given {record: string, fields: table, path: string, kept?: table}  kept: what is here of it from before
---@return filo.sim.Partial
function Partial.new(store, given)
  local kept = given.kept or { chunks = {} }
  return new_handle {
    store = store, record = given.record, fields = given.fields, path = given.path, chunks = kept.chunks, hashes = kept.hashes,
    handles = 0, readers = {},
  }
end

local function state(self)
  if self.closed then error("bad argument #1: the partial is closed", 3) end
  return self.incoming
end

function Partial:fields() return state(self).fields end

function Partial:record() return state(self).record end

function Partial:has_hashes()
  local incoming = state(self)
  return incoming.hashes ~= nil or chunk_count(incoming) == 0
end

function Partial:has(chunk) return state(self).chunks[chunk + 1] ~= nil end

function Partial:missing(from)
  local incoming = state(self)
  local count = chunk_count(incoming)
  for chunk = from or 0, count - 1 do
    if not incoming.chunks[chunk + 1] then return chunk end
  end
  return count
end

function Partial:set_key(key) state(self).key = key end

---The hash list has come.
---@return true?, filo.Error?
function Partial:take_hashes(hashes)
  local incoming = state(self)
  if #hashes ~= chunk_count(incoming) or record.root(hashes) ~= incoming.fields.root then
    return errors.fail("corrupt", "the hash list does not match the record")
  end
  incoming.hashes = hashes
  return true
end

---A chunk has come.
---@return true?, filo.Error?
function Partial:take_chunk(chunk, bytes)
  local incoming = state(self)
  if not incoming.hashes then return errors.fail("invalid", "a chunk came before the hash list") end
  if #bytes ~= incoming.store:chunk_length(incoming.fields.size, chunk) or crypto.digest("sha256", bytes) ~= incoming.hashes[chunk + 1] then
    return errors.fail("corrupt", ("chunk %d does not match its hash"):format(chunk))
  end
  local problem = incoming.store:write_problem(#bytes)
  if problem then return nil, problem end
  incoming.chunks[chunk + 1] = bytes
  wake_readers(incoming)
  return true
end

---For readers: a chunk that is here, or one that comes.
---@return string?, filo.Error?
function Partial:chunk(chunk)
  local incoming = state(self)
  while not incoming.chunks[chunk + 1] do
    if incoming.problem then return nil, incoming.problem end
    incoming.readers[#incoming.readers + 1] = runtime.current()
    runtime.suspend()
    if self.closed then return errors.fail("closed", "the partial was closed") end
  end
  return incoming.chunks[chunk + 1]
end

function Partial:reader(offset, stop)
  local incoming = state(self)
  return new_reader(self, incoming.fields, incoming.key, incoming.store.chunk_size, offset, stop)
end

function Partial:fail(code, message)
  local incoming = state(self)
  incoming.problem = errors.new(code, message)
  wake_readers(incoming)
end

function Partial:retry() state(self).problem = nil end

function Partial:share() return new_handle(state(self)) end

---@return true?, filo.Error?
function Partial:publish()
  local incoming = state(self)
  if self:missing(0) < chunk_count(incoming) then return errors.fail("invalid", "an object must be whole to be published") end
  return incoming.store:publish(incoming.path, {
    record = incoming.record, fields = incoming.fields, hashes = incoming.hashes or {}, chunks = incoming.chunks,
  })
end

function Partial:close()
  if self.closed then return end
  self.closed = true
  local incoming = self.incoming
  incoming.handles = incoming.handles - 1
  wake_readers(incoming)
  if incoming.handles == 0 then incoming.store:forget(incoming) end
  incoming.store:release()
end

Partial.__close = Partial.close

return Partial
