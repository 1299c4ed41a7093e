---Published objects of a simulated store, open.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local new_reader = require "filo.sim.reader"
local record = require "filo.sim.record"

---@class filo.sim.Object
local Object = {}
Object.__index = Object

---@param store filo.sim.Store
---@param file filo.sim.File
---@return filo.sim.Object
local function new(store, file)
  store:hold()
  return setmetatable({ store = store, file = file, good = {} }, Object)
end

local function open_file(self)
  if self.closed then error("bad argument #1: the object is closed", 3) end
  return self.file
end

function Object:fields() return open_file(self).fields end

function Object:record() return open_file(self).record end

function Object:set_key(key)
  open_file(self)
  self.key = key
end

---@return string?, filo.Error?  metadata
function Object:unseal(keys)
  local content_key, meta = record.unseal(keys, open_file(self).record)
  if not content_key then return nil, meta end
  self.key = content_key
  return meta
end

---The bytes as they lie there.
---@return string?, filo.Error?
function Object:sealed_chunk(chunk)
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  return open_file(self).chunks[chunk + 1]
end

---@return string?, filo.Error?
function Object:chunk(chunk)
  local bytes, err = self:sealed_chunk(chunk)
  if not bytes then return nil, err end
  local file = self.file
  if not self.good[chunk] and crypto.digest("sha256", bytes) ~= file.hashes[chunk + 1] then
    return errors.fail("corrupt", ("chunk %d does not match its hash"):format(chunk))
  end
  self.good[chunk] = true
  return bytes
end

---@return true?, filo.Error?
function Object:verify_chunk(chunk)
  self.store:pause()
  local bytes, err = self:chunk(chunk)
  return bytes and true, err
end

---@return string?, filo.Error?
function Object:prove_chunk(chunk, key)
  self.store:pause()
  local read = open_file(self).lie and self.sealed_chunk or self.chunk -- who lies, lies of that, too
  local bytes, err = read(self, chunk)
  return bytes and crypto.hmac_sha256(key, bytes), err
end

function Object:set_aside(path)
  local file, store = open_file(self), self.store
  store:pause()
  if store.disk:file(file.fields.namespace, path) ~= file then return errors.fail("exists", "another version took its place") end
  store.disk:set_aside(file.fields.namespace, path, file.fields.key_hash, file.fields.version)
  return true
end

function Object:mark_verified() open_file(self).verified = self.store.seconds() end

---All of it without waiting: never, as where nothing of the disk is in memory.
function Object:content() end -- luacheck: no self

function Object:reader(offset, stop)
  local file = open_file(self)
  return new_reader(self, file.fields, self.key, self.store.chunk_size, offset, stop)
end

function Object:share()
  local other = new(self.store, open_file(self))
  other.key = self.key
  return other
end

function Object:close()
  if self.closed then return end
  self.closed = true
  self.store:release()
end

Object.__close = Object.close

return new
