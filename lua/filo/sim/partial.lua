---Copies on their way into a simulated store, shared by who fills them and who reads them.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local new_reader = require "filo.sim.reader"
local record = require "filo.sim.record"
local runtime = require "filo.core.runtime"

---@class filo.sim.SharedPartial  what all handles on one copy share
---@class filo.sim.Partial
local Partial = {}
Partial.__index = Partial

local function chunk_count(shared) return shared.store:chunk_count(shared.fields.size) end

local function wake_readers(shared)
  local tasks = shared.readers
  shared.readers = {}
  for _, task in ipairs(tasks) do runtime.wake(task) end
end

local function new_handle(shared)
  shared.handles = shared.handles + 1
  shared.store:hold()
  return setmetatable({ shared = shared }, Partial)
end

---@param store filo.sim.Store
---@param given {record: string, fields: table, path: string, kept?: table, bringer?: string}  kept: what is here of it from before
---@return filo.sim.Partial
function Partial.new(store, given)
  local kept = given.kept or { chunks = {} }
  return new_handle {
    store = store, record = given.record, fields = given.fields, path = given.path, chunks = kept.chunks, hashes = kept.hashes,
    handles = 0, readers = {}, bringer = given.bringer,
  }
end

local function state(self)
  if self.closed then error("bad argument #1: the partial is closed", 3) end
  return self.shared
end

function Partial:fields() return state(self).fields end

function Partial:record() return state(self).record end

function Partial:has_hashes()
  local shared = state(self)
  return shared.hashes ~= nil or chunk_count(shared) == 0
end

function Partial:has(chunk) return state(self).chunks[chunk + 1] ~= nil end

function Partial:missing(from)
  local shared = state(self)
  local count = chunk_count(shared)
  for chunk = from or 0, count - 1 do
    if not shared.chunks[chunk + 1] then return chunk end
  end
  return count
end

function Partial:set_key(key) state(self).key = key end

---The hash list has come.
---@return true?, filo.Error?
function Partial:take_hashes(hashes)
  local shared = state(self)
  if #hashes ~= chunk_count(shared) or record.root(hashes) ~= shared.fields.root then
    return errors.fail("corrupt", "the hash list does not match the record")
  end
  shared.hashes = hashes
  return true
end

---A chunk has come.
---@return true?, filo.Error?
function Partial:take_chunk(chunk, bytes)
  local shared = state(self)
  if not shared.hashes then return errors.fail("invalid", "a chunk came before the hash list") end
  if #bytes ~= shared.store:chunk_length(shared.fields.size, chunk) or crypto.digest("sha256", bytes) ~= shared.hashes[chunk + 1] then
    return errors.fail("corrupt", ("chunk %d does not match its hash"):format(chunk))
  end
  local problem = shared.store:write_problem(#bytes)
  if problem then return nil, problem end
  shared.chunks[chunk + 1] = bytes
  wake_readers(shared)
  return true
end

---For readers: a chunk that is here, or one that comes.
---@return string?, filo.Error?
function Partial:chunk(chunk)
  local shared = state(self)
  while not shared.chunks[chunk + 1] do
    if shared.problem then return nil, shared.problem end
    shared.readers[#shared.readers + 1] = runtime.current()
    runtime.suspend()
    if self.closed then return errors.fail("closed", "the partial was closed") end
  end
  return shared.chunks[chunk + 1]
end

function Partial:reader(offset, stop)
  local shared = state(self)
  return new_reader(self, shared.fields, shared.key, shared.store.chunk_size, offset, stop)
end

function Partial:fail(code, message)
  local shared = state(self)
  shared.problem = errors.new(code, message)
  wake_readers(shared)
end

function Partial:retry() state(self).problem = nil end

function Partial:share() return new_handle(state(self)) end

---@return true?, filo.Error?
function Partial:publish()
  local shared = state(self)
  if self:missing(0) < chunk_count(shared) then return errors.fail("invalid", "an object must be whole to be published") end
  local ok, err = shared.store:publish(shared.path, {
    record = shared.record, fields = shared.fields, hashes = shared.hashes or {}, chunks = shared.chunks, bringer = shared.bringer,
  })
  if ok and not shared.published then shared.store:received(shared) end
  return ok, err
end

function Partial:close()
  if self.closed then return end
  self.closed = true
  local shared = self.shared
  shared.handles = shared.handles - 1
  wake_readers(shared)
  if shared.handles == 0 then shared.store:forget(shared) end
  shared.store:release()
end

Partial.__close = Partial.close

return Partial
