---The store of a simulated node: what filo.core.store gives, on a simulated disk. Every call that would go to a worker takes a moment.

local Partial = require "filo.sim.partial"
local deposit = require "filo.sim.deposit"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"
local new_sim_catalogue = require "filo.sim.catalogue"
local new_object = require "filo.sim.object"
local old = require "filo.sim.old"
local record = require "filo.sim.record"
local runtime = require "filo.core.runtime"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.sim.Store
---@field disk filo.sim.Disk
---@field chunk_size integer
---@field inline integer  content up to so many bytes comes with its record
local Store = {}
Store.__index = Store

local WALK_BATCH = 64
local KEPT_SECONDS = 7 * 24 * 3600

---A whole folder is read at once.
---@class filo.sim.Walk
local Walk = {}
Walk.__index = Walk

---@param given {disk: filo.sim.Disk, root_path: string, durability: string, reserve: integer, chunk_size: integer, inline: integer,
---  keyring: filo.sim.Keyring, random: filo.sim.Random, seconds: fun(): integer}
---@return filo.sim.Store
local function new(given)
  local self = setmetatable({ handles = 0, idle = new_gate(runtime), receiving = {}, keeps_deleted = {}, keeps_versions = {} }, Store)
  for name, value in pairs(given) do self[name] = value end
  return self
end

-- What the other files of the store use -----------------------------------------------------------------------------------

---A handle has been given out: the root is in use until `release`.
function Store:hold() self.handles = self.handles + 1 end

function Store:release()
  self.handles = self.handles - 1
  if self.handles == 0 then self.idle:wake() end
end

---A trip to a worker.
function Store:pause() runtime.sleep(self.disk:access_time()) end

function Store:chunk_count(size) return (size + self.chunk_size - 1) // self.chunk_size end

function Store:chunk_length(size, chunk) return math.min(self.chunk_size, size - chunk * self.chunk_size) end

---@return filo.Error?
function Store:read_problem()
  local _, err = self.disk:problem()
  return err
end

---@return filo.Error?
function Store:write_problem(bytes)
  local _, err = self.disk:problem()
  if err then return err end
  if self.disk:free() - self.reserve < bytes and not old.yield(self, bytes) then return errors.new("no_space", "the disk is full") end
end

---The object that a version is of.
local function object_of(fields) return fields.namespace .. fields.key_hash end

---What stands against a version at a path.
---@param over? string  the record that must be there
---@return filo.Error?
function Store:refusal(fields, path, over)
  local there = self.disk:file(fields.namespace, path)
  if over and (there and there.record) ~= over then return errors.new("exists", "another version is at " .. path .. " by now") end
  if not there or there.unreadable then return nil end
  if there.fields.key_hash ~= fields.key_hash then return errors.new("invalid", "another key's object lies at " .. path) end
  if there.fields.version >= fields.version then return errors.new("exists", "a version that is no older is at " .. path) end
end

---"A version that is no older is here" is a promise: that one is flushed before it is said.
local function told(self, problem)
  if problem.code ~= "exists" or self.durability == "none" then return problem end
  runtime.sleep(self.disk:flush_time())
  self.disk:flush_all()
  return problem
end

---Makes a whole object visible and, unless durability is "none", flushes it: its bytes before it is seen, its folder afterwards.
---@return true?, filo.Error?
function Store:publish(path, file, over)
  local disk = self.disk
  local bytes = file.fields.tombstone and 0 or file.fields.size
  local problem = self:write_problem(bytes)
  if problem then return nil, problem end
  if self.durability ~= "none" then runtime.sleep(disk:flush_time()) end
  if disk.flush_fails then return errors.fail("io", "cannot flush") end
  problem = self:read_problem() or self:refusal(file.fields, path, over)
  if problem then return nil, told(self, problem) end
  self.disk:drop_partials(function(kept) return kept.object == object_of(file.fields) and kept.version <= file.fields.version end)
  file.verified = file.verified or self.seconds()
  old.replaced(self, file.fields, disk:file(file.fields.namespace, path))
  local entry = disk:publish(file.fields.namespace, path, file)
  if self.durability == "none" then return true end
  local seconds = disk:flush_time() / 2
  runtime.later(seconds, disk.flushed, disk, entry) -- also when who waits for it is cancelled
  runtime.sleep(seconds)
  if disk.flush_fails then return errors.fail("io", "cannot flush the folder") end
  return true
end

---A partial was published: its version may be received anew while that one is read.
function Store:received(shared)
  self.receiving[shared.record], shared.published = nil, true
end

---Nobody holds this partial any more: what has come of it is kept.
function Store:forget(shared)
  if shared.published then return end
  if self.receiving[shared.record] == shared then self.receiving[shared.record] = nil end
  local whole = shared.fields.size == 0
  if not whole and shared.hashes and self.disk:file(shared.fields.namespace, shared.path) == nil then
    self.disk.partials[shared.record] = {
      chunks = shared.chunks, hashes = shared.hashes, object = object_of(shared.fields), version = shared.fields.version,
      since = self.seconds(),
    }
  else
    self.disk.partials[shared.record] = nil
  end
end

-- What a node uses ----------------------------------------------------------------------------------------------------

function Store:close() end -- luacheck: no self

Store.__close = Store.close

function Store:root() return self.root_path end

function Store:wait_idle(seconds)
  if self.idle:wait_for(function() return self.handles == 0 end, seconds) then return true end
  return errors.fail("timeout", "the store is still in use")
end

---A readable file.
local function look_up(self, namespace, path)
  self:pause()
  local problem = self:read_problem()
  if problem then return nil, problem end
  local file = self.disk:file(namespace, path)
  if not file then return errors.fail("not_found", "no object at " .. path) end
  if file.unreadable then return errors.fail("corrupt", path .. " is no sealed object") end
  return file
end

function Store:stat(namespace, path)
  local file, err = look_up(self, namespace, path)
  if not file then return nil, err end
  return file.fields, file.record
end

function Store:remove(namespace, path, version, keep)
  local file, err = look_up(self, namespace, path)
  if not file and err.code ~= "corrupt" then return nil, err end
  if version and file and file.fields.version ~= version then
    return errors.fail(file.fields.version > version and "exists" or "not_found", "another version is at " .. path)
  end
  self.disk:remove(namespace, path)
  if keep and file then old.keep_dropped(self, file) end
  return true
end

for name, method in pairs(old.methods) do Store[name] = method end

---What it should be is said, or stands in its record.
function Store:set_aside(namespace, path, key_hash, version)
  self:pause()
  local file = self.disk:file(namespace, path)
  if not file then return errors.fail("not_found", "no object at " .. path) end
  if not key_hash and not file.unreadable then key_hash, version = file.fields.key_hash, file.fields.version end
  self.disk:set_aside(namespace, path, key_hash, version)
  return true
end

function Store:space()
  self:pause()
  local problem = self:read_problem()
  if problem then return nil, problem end
  return math.max(0, self.disk:free() + old.bytes(self) - self.reserve), self.disk.capacity
end

function Store:layout() return self.disk.layout or "" end

function Store:set_layout(text)
  self.disk.layout = text
  return true
end

function Store:move() return errors.fail("unsupported", "a simulation moves no objects") end -- luacheck: no self

function Store:add_holder(id)
  self:pause()
  local problem = self:write_problem(0)
  if problem then return nil, problem end
  self.disk.holders[id] = true
  return true
end

function Store:holders(most)
  self:pause()
  local problem = self:read_problem()
  if problem then return nil, problem end
  local list = sorted_keys(self.disk.holders)
  return table.move(list, 1, most, 1, {})
end

---Of what is set aside no bytes are kept.
function Store:bad() return #self.disk.bad, 0 end

function Store:bad_copies(most)
  self:pause()
  local problem = self:read_problem()
  if problem then return nil, problem end
  local list = {}
  for _, each in ipairs(self.disk.bad) do
    if each.key_hash and #list < most then list[#list + 1] = each end
  end
  return list
end

function Store:write_note(name, bytes)
  self:pause()
  local problem = self:write_problem(0)
  if problem then return nil, problem end
  self.disk.notes[name] = bytes
  return true
end

function Store:read_note(name)
  self:pause()
  local problem = self:read_problem()
  if problem then return nil, problem end
  local bytes = self.disk.notes[name]
  if bytes then return bytes end
  return errors.fail("not_found", "there is no note " .. name)
end

function Store:sweep()
  self:pause()
  local oldest = self.seconds() - KEPT_SECONDS
  self.disk:drop_partials(function(kept) return kept.since <= oldest end)
  return true
end

---A simulated disk has files without blocks.
function Store:pack() return 0 end -- luacheck: no self

function Store:sealed(namespace, path, most)
  local file, err = look_up(self, namespace, path)
  if not file then return nil, err end
  local body
  if file.fields.size <= most then body = table.concat(file.hashes) .. table.concat(file.chunks) end
  return file.fields, file.record, body, file.verified > 0 and file.verified or nil, file.bringer
end

---The chunk hashes and the chunks of a body.
local function split_body(self, fields, body)
  local count, hashes, chunks = self:chunk_count(fields.size), {}, {}
  for i = 1, count do
    hashes[i] = body:sub(32 * i - 31, 32 * i)
    local from = 32 * count + (i - 1) * self.chunk_size
    chunks[i] = body:sub(from + 1, from + self.chunk_size)
  end
  return hashes, chunks
end

function Store:in_hand(bytes, body)
  local fields, err = record.peek(bytes)
  if not fields then return nil, err end
  local hashes, chunks = split_body(self, fields, body)
  return new_object(self, { record = bytes, fields = fields, hashes = hashes, chunks = chunks })
end

function Store:object(namespace, path)
  local file, err = look_up(self, namespace, path)
  if not file then return nil, err end
  return new_object(self, file)
end

---@return filo.sim.Object
function Store:open_file(file) return new_object(self, file) end

function Store:deposit(size, plain, digest)
  self:pause()
  local problem = self:write_problem(size or 0)
  if problem then return nil, problem end
  return deposit.new(self, size, plain, digest)
end

function Store:deposit_file() return deposit.file() end -- luacheck: no self

function Store:tombstone(...)
  self:pause()
  return deposit.tombstone(self, ...)
end

local function is_same_content(a, b)
  return a.namespace == b.namespace and a.size == b.size and a.plain == b.plain
    and a.tombstone == b.tombstone and a.iv == b.iv and a.root == b.root
end

---@return true?, filo.Error?
function Store:rewrap(path, bytes, over, trusted, from, bringer)
  local fields, err
  if trusted then fields, err = record.peek(bytes) else fields, err = record.parse(self.keyring, bytes) end
  if not fields then return nil, err end
  local problem = self:refusal(fields, path, not from and over or nil)
  if problem then return nil, told(self, problem) end
  local there
  if type(from) == "table" then
    local found
    found, err = old.find(self, from)
    there, from = found and found.file, "where old copies lie"
  else
    there, err = look_up(self, fields.namespace, from or path)
  end
  if not there then return errors.fail(err.code == "corrupt" and "not_found" or err.code, err.message) end
  if from and over and there.record ~= over then return errors.fail("exists", "another version is at " .. from .. " by now") end
  if not is_same_content(fields, there.fields) then return errors.fail("not_found", "other content is at " .. (from or path)) end
  return self:publish(path, {
    record = bytes, fields = fields, verified = 0, bringer = bringer or there.bringer,
    hashes = table.move(there.hashes, 1, #there.hashes, 1, {}), chunks = table.move(there.chunks, 1, #there.chunks, 1, {}),
    intact = there.intact, was_here = true,
  }, not from and over or nil)
end

---A small object that has come whole.
local function take_body(self, partial, body)
  local fields = partial:fields()
  local hashes, chunks = split_body(self, fields, body)
  if #body ~= 32 * #hashes + fields.size then return errors.fail("corrupt", "the body has another length than the record says") end
  local ok, err = partial:take_hashes(hashes)
  for i, chunk in ipairs(chunks) do
    if not ok then break end
    ok, err = partial:take_chunk(i - 1, chunk)
  end
  return ok, err
end

---@return filo.sim.Partial?, filo.Error?
function Store:partial(path, bytes, body, beside, trusted, bringer)
  self:pause()
  local fields, err
  if trusted then fields, err = record.peek(bytes) else fields, err = record.parse(self.keyring, bytes) end
  if not fields then return nil, err end
  local problem = not beside and self:refusal(fields, path) or self:write_problem(fields.tombstone and 0 or fields.size)
  if problem then return nil, told(self, problem) end
  if not body and self.receiving[bytes] then return errors.fail("busy", "it is being received already") end
  local kept = not body and self.disk.partials[bytes] or nil
  local partial = Partial.new(self, { record = bytes, fields = fields, path = path, kept = kept, bringer = bringer })
  if not body then
    self.receiving[bytes] = partial.shared
    return partial
  end
  local ok
  ok, err = take_body(self, partial, body)
  if ok then return partial end
  partial:close()
  return nil, err
end

function Store:keep(path, bytes, body, beside, trusted, bringer)
  local partial <close>, err = self:partial(path, bytes, body, beside, trusted, bringer)
  if not partial then return nil, err end
  return partial:publish()
end

function Store:walk(namespace)
  self:pause()
  local problem = self:read_problem()
  if problem then return nil, problem end
  self:hold()
  return setmetatable({ store = self, list = self.disk:list(namespace), at = 0 }, Walk)
end

function Store:catalogue(...) return new_sim_catalogue(self, ...) end

local function entry_of(store, each)
  local file = store.disk:file(each.namespace, each.path)
  if not file then return nil end
  if file.unreadable then return { path = each.path, namespace = each.namespace, problem = "corrupt" } end
  local entry = { path = each.path, record = file.record }
  for name, value in pairs(file.fields) do entry[name] = value end
  entry.verified, entry.bringer = file.verified, file.bringer
  return entry
end

function Walk:next()
  self.store:pause()
  local batch = {}
  while #batch < WALK_BATCH and self.at < #self.list do
    self.at = self.at + 1
    batch[#batch + 1] = entry_of(self.store, self.list[self.at])
  end
  return batch
end

function Walk:close()
  if not self.closed then self.store:release() end
  self.closed = true
end

Walk.__close = Walk.close

return new
