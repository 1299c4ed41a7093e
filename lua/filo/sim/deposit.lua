---Content on its way into a simulated store: encrypted and hashed as in a real one.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local record = require "filo.sim.record"

---@class filo.sim.Deposit
local Deposit = {}
Deposit.__index = Deposit

---@param store filo.sim.Store
---@param size integer?  when it is known
---@return filo.sim.Deposit
local function new(store, size, plain, digest)
  store:hold()
  return setmetatable({ store = store, known = size ~= nil, plain = plain, digest = digest, parts = {}, bytes = 0 }, Deposit)
end

---@return true?, filo.Error?
function Deposit:write(bytes)
  local problem = self.store:write_problem(self.bytes + #bytes)
  if problem then return nil, problem end
  self.parts[#self.parts + 1] = bytes
  self.bytes = self.bytes + #bytes
  return true
end

---All that a simulated reader gives, which is closed by it.
---@return true?, filo.Error?
---@return boolean? failed  it is the reader that failed
function Deposit:pull(reader)
  if type(reader) ~= "table" or not reader.read then error("a simulated deposit pulls from simulated readers only", 2) end
  local _ <close> = reader
  while true do
    local piece, err = reader:read(self.store.chunk_size)
    if err then return nil, err, true end
    if not piece then return true end
    local ok
    ok, err = self:write(piece)
    if not ok then return nil, err, false end
  end
end

local function seal(self, content)
  local random, chunk_size = self.store.random, self.store.chunk_size
  self.key, self.iv = random:bytes(32), random:bytes(16)
  local sealed = content
  if not self.plain then
    local stream <close> = assert(crypto.ctr(self.key, self.iv))
    sealed = assert(stream:crypt(content))
  end
  self.chunks, self.hashes = {}, {}
  for at = 1, #sealed, chunk_size do
    local chunk = sealed:sub(at, at + chunk_size - 1)
    self.chunks[#self.chunks + 1] = chunk
    self.hashes[#self.hashes + 1] = crypto.digest("sha256", chunk)
  end
end

---@return integer?, string|filo.Error|nil
function Deposit:finish()
  self.store:pause()
  local problem = self.store:write_problem(self.bytes)
  if problem then return nil, problem end
  local content = table.concat(self.parts)
  seal(self, content)
  return #content, self.digest and crypto.digest("sha256", content) or nil
end

function Deposit:progress() return self.bytes end

---@return string?, string|filo.Error|nil
function Deposit:publish(keys, version, path)
  local fields = {
    flags = self.plain and record.PLAIN or 0, version = version.version, generation = version.generation, class = version.class,
    size = self.bytes, key_hash = version.key_hash, iv = self.iv, root = record.root(self.hashes),
  }
  local bytes = record.make(keys, fields, self.key .. version.meta, self.store.random:bytes(12))
  local file = { record = bytes, fields = assert(record.peek(bytes)), hashes = self.hashes, chunks = self.chunks }
  local ok, err = self.store:publish(path, file)
  if not ok then return nil, err end
  local whole = self.known and self.bytes <= self.store.inline
  return bytes, whole and table.concat(self.hashes) .. table.concat(self.chunks) or nil
end

function Deposit:close()
  if self.closed then return end
  self.closed = true
  self.store:release()
end

Deposit.__close = Deposit.close

---A deletion, signed.
---@return string?, filo.Error?
local function tombstone(store, keys, version, path)
  local random = store.random
  local fields = {
    flags = record.TOMBSTONE, version = version.version, generation = version.generation, class = version.class, size = 0,
    key_hash = version.key_hash, iv = random:bytes(16), root = record.root {},
  }
  local bytes = record.make(keys, fields, random:bytes(32) .. version.meta, random:bytes(12))
  local ok, err = store:publish(path, { record = bytes, fields = assert(record.peek(bytes)), hashes = {}, chunks = {} })
  if not ok then return nil, err end
  return bytes
end

local function file() return errors.fail("unsupported", "a simulation reads no files: give the content as a string or a function") end

return { new = new, tombstone = tombstone, file = file }
