---Records of sealed objects in a simulated world: the fields and the length of real ones. See core/README.md.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"

local record = {}

local HEAD = "<BBBBI4I8I8c32c32c16c32I4"
local HEAD_SIZE, SIGNATURE = string.packsize(HEAD), 64
local TOMBSTONE, PLAIN = 1, 2
local NONCE, TAG = 12, 16

local function mask(key, nonce, bytes)
  local stream <close> = assert(crypto.ctr(key, nonce .. "\0\0\0\0"))
  return assert(stream:crypt(bytes))
end

local function tag(key, head, sealed) return crypto.hmac_sha256(key, head .. sealed):sub(1, TAG) end

---@param keys filo.sim.Namespace
---@param given {flags: integer, version: integer, generation: integer, class: integer, size: integer, key_hash: string, iv: string,
---  root: string}
---@param plain string  the content key and the owner's fields
---@param nonce string
---@return string
function record.make(keys, given, plain, nonce)
  local head = HEAD:pack(2, given.flags, 20, given.class, NONCE + #plain + TAG, given.version, given.size, keys.raw, given.key_hash,
    given.iv, given.root, given.generation)
  local key = keys:object_key(given.key_hash, given.generation)
  local sealed = nonce .. mask(key, nonce, plain)
  local body = head .. sealed .. tag(key, head, sealed)
  return body .. keys:sign("filo record v2" .. body)
end

---@return filo.core.Fields?, filo.Error?
function record.peek(bytes)
  if #bytes < HEAD_SIZE + NONCE + 32 + TAG + SIGNATURE then return errors.fail("corrupt", "the record is cut") end
  local version_of_format, flags, _, class, length, version, size, namespace, key_hash, iv, root, generation = HEAD:unpack(bytes)
  if version_of_format ~= 2 or #bytes ~= HEAD_SIZE + length + SIGNATURE then return errors.fail("corrupt", "the record is bad") end
  return {
    version = version, size = size, tombstone = flags & TOMBSTONE ~= 0, plain = flags & PLAIN ~= 0, namespace = namespace,
    key_hash = key_hash, root = root, iv = iv, class = class, generation = generation,
    nonce = bytes:sub(HEAD_SIZE + 1, HEAD_SIZE + NONCE),
  }
end

---The same, and whether its owner has signed it.
---@param keyring filo.sim.Keyring
---@return filo.core.Fields?, filo.Error?
function record.parse(keyring, bytes)
  local fields, err = record.peek(bytes)
  if not fields then return nil, err end
  local body, signature = bytes:sub(1, -SIGNATURE - 1), bytes:sub(-SIGNATURE)
  local ok
  ok, err = keyring:verify(fields.namespace, "filo record v2" .. body, signature)
  if not ok then return nil, err end
  return fields
end

---@return string? content_key, string|filo.Error meta
function record.unseal(keys, bytes)
  local fields, err = record.peek(bytes)
  if not fields then return nil, err end
  if fields.namespace ~= keys.raw then return errors.fail("denied", "that record is of another namespace") end
  local head, sealed = bytes:sub(1, HEAD_SIZE), bytes:sub(HEAD_SIZE + 1, -SIGNATURE - TAG - 1)
  local key = keys:object_key(fields.key_hash, fields.generation)
  if tag(key, head, sealed) ~= bytes:sub(-SIGNATURE - TAG, -SIGNATURE - 1) then
    return errors.fail("corrupt", "the metadata cannot be opened")
  end
  local plain = mask(key, sealed:sub(1, NONCE), sealed:sub(NONCE + 1))
  return plain:sub(1, 32), plain:sub(33)
end

---A record for another version of the same content.
---@param keys filo.sim.Namespace
---@param bytes string
---@param version filo.core.Version
---@return string?, filo.Error?
function record.reseal(keys, bytes, version)
  local content_key, err = record.unseal(keys, bytes)
  if not content_key then return nil, err end
  local fields = record.peek(bytes)
  if fields.tombstone then return errors.fail("invalid", "a deletion has nothing to be rewrapped") end
  local nonce = crypto.digest("sha256", content_key .. version.meta .. ("<I8"):pack(version.version)):sub(1, 12) -- the same whoever does it
  return record.make(keys, {
    flags = fields.plain and PLAIN or 0, version = version.version, generation = version.generation, class = version.class,
    size = fields.size, key_hash = version.key_hash, iv = fields.iv, root = fields.root,
  }, content_key .. version.meta, nonce)
end

---Whether a body of at most one chunk (its hash, then its bytes) is what a record vouches for.
---@return boolean
function record.vouches(bytes, body)
  local fields = record.peek(bytes)
  if not fields then return false end
  local hash = fields.size > 0 and body:sub(1, 32) or ""
  local content = body:sub(#hash + 1)
  return #content == fields.size and record.root { hash } == fields.root
    and (fields.size == 0 or crypto.digest("sha256", content) == hash)
end

---What binds the chunk hashes.
---@param hashes string[]
---@return string
function record.root(hashes) return (crypto.digest("sha256", "filo chunks v2" .. table.concat(hashes))) end

record.TOMBSTONE, record.PLAIN = TOMBSTONE, PLAIN

return record
