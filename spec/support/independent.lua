---Sealed objects, identities and roots once more, written from the description of the formats alone: it shares nothing
---with Filo. Reads what Filo writes and writes what Filo must read. Runs in plain Lua 5.4, with the commands `openssl` and `b3sum`.

local b3sum = require "spec.support.b3sum"
local openssl = require "spec.support.openssl"

local hex, unhex = openssl.hex, openssl.unhex

local CHUNK = 1048576
local FOOTER = "<I4I4c8"
local CLEAR = "<BBBBI4I8I8c32c32c16c32I4"
local CLEAR_SIZE = 140
local TOMBSTONE, PLAIN = 1, 2

local independent = { CHUNK = CHUNK }

-- Identity --

---@param seed string 32 bytes
function independent.identity(seed)
  local node_key = openssl.hkdf(seed, "filo node key v2")
  local namespace = independent.namespace(openssl.hkdf(seed, "filo namespace v2"))
  return { key = node_key, id = openssl.ed25519_public(node_key), namespace = namespace }
end

function independent.identity_text(seed) return ("filo identity v2\nseed %s\n"):format(hex(seed)) end

function independent.read_identity(text)
  local seed = text:match "^filo identity v2\nseed (%x+)\n$"
  assert(seed and #seed == 64, "not an identity")
  return independent.identity(unhex(seed))
end

-- Namespaces --

---@param seed string 32 bytes
function independent.namespace(seed)
  local key = openssl.hkdf(seed, "filo namespace key v2")
  return {
    seed = seed,
    key = key,
    id = openssl.ed25519_public(key),
    name_key = openssl.hkdf(seed, "filo name v2"),
    secret = function(generation) return openssl.hkdf(seed, "filo secret v2" .. ("<I4"):pack(generation)) end,
  }
end

---What a reader of everything, or of one object, has.
function independent.reader(id, generation, secret, object)
  return {
    id = id,
    name_key = object == nil and secret or nil,
    secret = function(wanted) return assert(wanted == generation and secret, "of another generation") end,
    object_key = object,
  }
end

local function object_key(namespace, key_hash, generation)
  return namespace.object_key or openssl.hkdf(namespace.secret(generation), "filo object v2" .. key_hash)
end

function independent.key_hash(namespace, key) return openssl.hmac(namespace.name_key, key) end

-- Capabilities --

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(bytes)
  local bits = bytes:gsub(".", function(byte)
    local text = ""
    for i = 7, 0, -1 do text = text .. (byte:byte() >> i & 1) end
    return text
  end)
  return ((bits .. ("0"):rep(-#bits % 6)):gsub("%d%d%d%d%d%d", function(six)
    local at = tonumber(six, 2) + 1
    return LETTERS:sub(at, at)
  end))
end

---@param word string "filo-read" ...
---@param bytes string
function independent.capability(word, bytes)
  local check = openssl.sha256("filo capability v2" .. word .. "." .. bytes):sub(1, 8)
  return word .. "." .. base64url(bytes .. check)
end

---Where an object lies, below the root, with the default path transform.
function independent.place(namespace, key_hash)
  local digest = hex(openssl.sha1(key_hash))
  return ("objects/%s/%s/%s"):format(hex(namespace), digest:sub(1, 2), digest)
end

function independent.marker(id) return ("filo root v2\nowner %s\n"):format(hex(id)) end

-- Sealed objects --

local function chunk_hashes(ciphertext)
  local hashes = {}
  for at = 1, #ciphertext, CHUNK do hashes[#hashes + 1] = b3sum.hash(ciphertext:sub(at, at + CHUNK - 1)) end
  return table.concat(hashes)
end

local function root_of(hashes) return b3sum.derive("filo chunks v2", hashes) end

---@param object table key_hash, version, content, meta; iv, content_key, nonce; tombstone, plain, class, generation
---@return string record, string body the chunk hashes and the ciphertext
local function make_record(namespace, object)
  local flags = (object.tombstone and TOMBSTONE or 0) | (object.plain and PLAIN or 0)
  local ciphertext = object.plain and object.content or openssl.aes_ctr(object.content_key, object.iv, object.content)
  local hashes = chunk_hashes(ciphertext)
  local secrets = object.content_key .. object.meta
  local clear = CLEAR:pack(2, flags, 20, object.class or 0, 12 + #secrets + 16, object.version, #object.content,
    namespace.id, object.key_hash, object.iv, root_of(hashes), object.generation or 0)
  local key = object_key(namespace, object.key_hash, object.generation or 0)
  local sealed, tag = openssl.gcm_seal(key, object.nonce, secrets, clear)
  local unsigned = clear .. object.nonce .. sealed .. tag
  return unsigned .. openssl.ed25519_sign(namespace.key, "filo record v2" .. unsigned), hashes .. ciphertext, hashes
end

---@return string file, string record, string body chunk hashes and ciphertext
function independent.seal(namespace, object)
  local record, body, hashes = make_record(namespace, object)
  local file = body:sub(#hashes + 1) .. hashes .. record .. FOOTER:pack(#record, 2, "filoseal")
  return file, record, body
end

---Reads a record's clear fields and checks its signature.
function independent.read_record(record)
  local version, flags, chunk_bits, class, m, number, size, namespace, key_hash, iv, root, generation = CLEAR:unpack(record)
  assert(version == 2 and chunk_bits == 20, "not a record")
  assert(flags & ~(TOMBSTONE | PLAIN) == 0, "unknown flags")
  assert(m >= 60 and m <= 65536 and #record == 204 + m, "the length does not add up")
  local signed, signature = record:sub(1, -65), record:sub(-64)
  assert(openssl.ed25519_verify(namespace, "filo record v2" .. signed, signature), "a wrong signature")
  return {
    tombstone = flags & TOMBSTONE ~= 0,
    plain = flags & PLAIN ~= 0,
    version = number,
    size = size,
    namespace = namespace,
    key_hash = key_hash,
    iv = iv,
    root = root,
    class = class,
    generation = generation,
    sealed = record:sub(CLEAR_SIZE + 1, CLEAR_SIZE + m),
    clear = record:sub(1, CLEAR_SIZE),
  }
end

---The content key and the owner's fields.
function independent.unseal(namespace, fields)
  local sealed = fields.sealed
  local key = object_key(namespace, fields.key_hash, fields.generation)
  local opened = openssl.gcm_open(key, sealed:sub(1, 12), sealed:sub(13, -17), sealed:sub(-16), fields.clear)
  assert(opened, "the metadata is not the owner's")
  return opened:sub(1, 32), opened:sub(33)
end

---Checks a sealed object, as somebody without a key does; gives its record's fields with ciphertext and hashes.
function independent.check(file)
  local length, format, magic = FOOTER:unpack(file, #file - 15)
  assert(magic == "filoseal" and format == 2 and length >= 264 and length <= 65740, "not a sealed object")
  local fields = independent.read_record(file:sub(-16 - length, -17))
  local chunks = -(-fields.size // CHUNK)
  assert(#file == fields.size + 32 * chunks + length + 16, "the length does not add up")
  fields.ciphertext = file:sub(1, fields.size)
  fields.hashes = file:sub(1 + fields.size, fields.size + 32 * chunks)
  assert(root_of(fields.hashes) == fields.root, "other chunk hashes")
  assert(chunk_hashes(fields.ciphertext) == fields.hashes, "a corrupt chunk")
  return fields
end

---Opens a sealed object with the keys to its namespace: adds content, content_key and meta to what check gives.
function independent.open(namespace, file)
  local fields = independent.check(file)
  assert(fields.namespace == namespace.id, "somebody else's")
  fields.content_key, fields.meta = independent.unseal(namespace, fields)
  fields.content = fields.plain and fields.ciphertext or openssl.aes_ctr(fields.content_key, fields.iv, fields.ciphertext)
  return fields
end

return independent
