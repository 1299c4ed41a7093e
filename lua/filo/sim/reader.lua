---Content of a sealed object in a simulated world, in order: verified where its source does not, and decrypted.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"

---@class filo.sim.Reader
local Reader = {}
Reader.__index = Reader

---@param source {chunk: fun(self, chunk: integer): string?, filo.Error?}
---@param fields filo.core.Fields
---@param key string?  the content key
---@return filo.sim.Reader
local function new(source, fields, key, chunk_size, offset, stop)
  return setmetatable({
    source = source, fields = fields, key = key, chunk_size = chunk_size, at = offset or 0,
    stop = math.min(stop or fields.size, fields.size),
  }, Reader)
end

local function decrypt(self, bytes, offset)
  if self.fields.plain then return bytes end
  local stream <close> = assert(crypto.ctr(self.key, self.fields.iv, offset))
  return assert(stream:crypt(bytes))
end

---@return string?, filo.Error?
function Reader:read(most)
  if self.closed then error("bad argument #1: the reader is closed", 2) end
  if self.at >= self.stop then return nil end
  local chunk = self.at // self.chunk_size
  local bytes, err = self.source:chunk(chunk)
  if not bytes then return nil, err end
  local from = self.at - chunk * self.chunk_size
  local piece = bytes:sub(from + 1, math.min(from + most, from + self.stop - self.at))
  local plain = decrypt(self, piece, self.at)
  self.at = self.at + #piece
  return plain
end

function Reader:save() -- luacheck: no self
  return errors.fail("unsupported", "a simulation writes no files")
end

function Reader:close() self.closed = true end

Reader.__close = Reader.close

return new
