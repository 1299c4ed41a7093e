---Records and bodies of whoever one likes, whole or wrong: well signed, with metadata that nobody can open.
---
---    local forged = forge(keys, { content = "bytes", key_hash = ..., size = 1 << 62 })
---    forged.record, forged.hashes, forged.content

local b3sum = require "spec.support.b3sum"

local CHUNK = 1 << 20
local CLEAR = "<BBBBI4I8I8c32c32c16c32I4"

---The order of the fields in a record.
local ORDER = { "format", "flags", "chunk_bits", "class", "length", "version", "size", "namespace", "key_hash", "iv", "root",
  "generation" }

local function hash_list(content)
  local hashes = {}
  for at = 1, #content, CHUNK do hashes[#hashes + 1] = b3sum.hash(content:sub(at, at + CHUNK - 1)) end
  return table.concat(hashes)
end

---@param changes? table content, key_hash, and any field of the record
return function(keys, changes)
  changes = changes or {}
  local content = changes.content or ""
  local hashes, sealed = hash_list(content), changes.sealed or ("m"):rep(60)
  local fields = {
    format = 2, flags = 0, chunk_bits = 20, class = 0, length = #sealed, version = 5, size = #content, namespace = keys:raw_id(),
    key_hash = ("h"):rep(32), iv = ("i"):rep(16), root = b3sum.derive("filo chunks v2", hashes), generation = 0,
  }
  local values = {}
  for i, name in ipairs(ORDER) do values[i] = changes[name] or fields[name] end
  local unsigned = CLEAR:pack(table.unpack(values)) .. sealed
  return {
    record = unsigned .. (changes.signature or keys:sign("filo record v2" .. unsigned)), hashes = hashes, content = content,
    namespace = changes.namespace or fields.namespace, key_hash = changes.key_hash or fields.key_hash, version = changes.version or 5,
  }
end
