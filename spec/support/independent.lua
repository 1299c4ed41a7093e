---Sealed objects, identities and roots once more, written from the description of the formats alone: it shares nothing
---with Filo. Reads what Filo writes and writes what Filo must read. Runs in plain Lua 5.4, with the commands `openssl` and `b3sum`.

local b3sum = require "spec.support.b3sum"
local openssl = require "spec.support.openssl"

local hex, unhex = openssl.hex, openssl.unhex

local CHUNK = 1048576
local FOOTER = "<I4I4c8"
local CLEAR = "<BBBBI4I8I8c32c32c16c32"
local CLEAR_SIZE = 136
local TOMBSTONE, PLAIN = 1, 2

local independent = { CHUNK = CHUNK }

-- Identity --

---@param key string the Ed25519 seed
---@param secret string the namespace secret
function independent.identity(key, secret)
  return {
    key = key,
    secret = secret,
    id = openssl.ed25519_public(key),
    name_key = openssl.hkdf(secret, "filo name v1"),
    metadata_key = openssl.hkdf(secret, "filo metadata v1"),
  }
end

function independent.identity_text(key, secret)
  return ("filo identity v1\nkey %s\nsecret %s\n"):format(hex(key), hex(secret))
end

function independent.read_identity(text)
  assert(#text == 158, "an identity has 158 bytes")
  local key, secret = text:match "^filo identity v1\nkey (%x+)\nsecret (%x+)\n$"
  assert(key and #key == 64 and #secret == 64, "not an identity")
  return independent.identity(unhex(key), unhex(secret))
end

function independent.key_hash(identity, key) return openssl.hmac(identity.name_key, key) end

---Where an object lies, below the root, with the default path transform.
function independent.place(namespace, key_hash)
  local digest = hex(openssl.sha1(key_hash))
  return ("objects/%s/%s/%s/%s"):format(hex(namespace), digest:sub(1, 2), digest:sub(3, 4), digest)
end

function independent.marker(id) return ("filo root v2\nowner %s\n"):format(hex(id)) end

-- Sealed objects --

local function chunk_hashes(ciphertext)
  local hashes = {}
  for at = 1, #ciphertext, CHUNK do hashes[#hashes + 1] = b3sum.hash(ciphertext:sub(at, at + CHUNK - 1)) end
  return table.concat(hashes)
end

local function root_of(hashes) return b3sum.derive("filo chunks v2", hashes) end

---@param object table key_hash, version, content, meta; iv, content_key, nonce; tombstone, plain
---@return string record, string body the chunk hashes and the ciphertext
local function make_record(identity, object)
  local flags = (object.tombstone and TOMBSTONE or 0) | (object.plain and PLAIN or 0)
  local ciphertext = object.plain and object.content or openssl.aes_ctr(object.content_key, object.iv, object.content)
  local hashes = chunk_hashes(ciphertext)
  local secrets = object.content_key .. object.meta
  local clear = CLEAR:pack(2, flags, 20, 0, 12 + #secrets + 16, object.version, #object.content, identity.id,
    object.key_hash, object.iv, root_of(hashes))
  local sealed, tag = openssl.gcm_seal(identity.metadata_key, object.nonce, secrets, clear)
  local unsigned = clear .. object.nonce .. sealed .. tag
  return unsigned .. openssl.ed25519_sign(identity.key, "filo record v2" .. unsigned), hashes .. ciphertext, hashes
end

---@return string file, string record, string body chunk hashes and ciphertext
function independent.seal(identity, object)
  local record, body, hashes = make_record(identity, object)
  local file = object.iv .. body:sub(#hashes + 1) .. hashes .. record .. FOOTER:pack(#record, 2, "filoseal")
  return file, record, body
end

---Reads a record's clear fields and checks its signature.
function independent.read_record(record)
  local version, flags, chunk_bits, zero, m, number, size, namespace, key_hash, iv, root = CLEAR:unpack(record)
  assert(version == 2 and chunk_bits == 20 and zero == 0, "not a record")
  assert(flags & ~(TOMBSTONE | PLAIN) == 0, "unknown flags")
  assert(m >= 60 and m <= 65536 and #record == 200 + m, "the length does not add up")
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
    sealed = record:sub(CLEAR_SIZE + 1, CLEAR_SIZE + m),
    clear = record:sub(1, CLEAR_SIZE),
  }
end

---The content key and the owner's fields.
function independent.unseal(identity, fields)
  local sealed = fields.sealed
  local opened = openssl.gcm_open(identity.metadata_key, sealed:sub(1, 12), sealed:sub(13, -17), sealed:sub(-16), fields.clear)
  assert(opened, "the metadata is not the owner's")
  return opened:sub(1, 32), opened:sub(33)
end

---Checks a sealed object, as somebody without a key does; gives its record's fields with ciphertext and hashes.
function independent.check(file)
  local length, format, magic = FOOTER:unpack(file, #file - 15)
  assert(magic == "filoseal" and format == 2 and length >= 260 and length <= 65736, "not a sealed object")
  local fields = independent.read_record(file:sub(-16 - length, -17))
  local chunks = -(-fields.size // CHUNK)
  assert(#file == 16 + fields.size + 32 * chunks + length + 16, "the length does not add up")
  assert(file:sub(1, 16) == fields.iv, "another IV")
  fields.ciphertext = file:sub(17, 16 + fields.size)
  fields.hashes = file:sub(17 + fields.size, 16 + fields.size + 32 * chunks)
  assert(root_of(fields.hashes) == fields.root, "other chunk hashes")
  assert(chunk_hashes(fields.ciphertext) == fields.hashes, "a corrupt chunk")
  return fields
end

---Opens a sealed object as its owner: adds content, content_key and meta to what check gives.
function independent.open(identity, file)
  local fields = independent.check(file)
  assert(fields.namespace == identity.id, "somebody else's")
  fields.content_key, fields.meta = independent.unseal(identity, fields)
  fields.content = fields.plain and fields.ciphertext or openssl.aes_ctr(fields.content_key, fields.iv, fields.ciphertext)
  return fields
end

return independent
