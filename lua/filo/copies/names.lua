---Names: from the key of a user to the place of an object and what is sealed with it.
---
---A name is {key = what the user calls it, hash = what peers see instead, path = where it lies below its namespace's folder}.

local errors = require "filo.base.errors"

local names = {}

local KEY_MAX = 4096

---Misuse is an error at `level`, as for `error`.
---@return string?, filo.Error?
function names.check_key(key, level)
  if type(key) ~= "string" then error("a key must be a string, not a " .. type(key), level + 1) end
  if #key == 0 or #key > KEY_MAX then
    return errors.fail("invalid", ("a key must have 1 to %d bytes; this one has %d"):format(KEY_MAX, #key))
  end
  return key
end

---What stands for a key at peers.
---@return string  32 bytes
function names.hash(node, key)
  local hash = node.options.hash_key
  if not hash then return node.host.crypto.hmac_sha256(node.name_key, key) end
  local given = hash(key)
  if type(given) ~= "string" or #given == 0 then error("option hash_key: the function must return a string", 0) end
  return #given == 32 and given or node.host.crypto.digest("sha256", given)
end

---Where an object lies below its namespace's folder.
---@return string?, filo.Error?
function names.path(node, hash)
  local transform = node.options.path
  if type(transform) ~= "function" then
    return node.host.store.cas_path(transform.digest, transform.width, transform.depth, hash)
  end
  local path = transform(node.host.crypto.hex(hash))
  if type(path) ~= "string" then error("option path: the function must return a string", 0) end
  local ok, err = node.host.store.check_path(path)
  if not ok then return nil, errors.wrap(err, "the path function's result cannot be used") end
  return path
end

---The name of a key that was checked.
---@return table?, filo.Error?
function names.of(node, key)
  local hash = names.hash(node, key)
  local path, err = names.path(node, hash)
  if not path then return nil, err end
  return { key = key, hash = hash, path = path }
end

---The content key and metadata of a record of ours.
---@return string?, table|filo.Error
function names.unseal(node, record)
  local content_key, meta = node.host.store.unseal(node.identity, record)
  if not content_key then return nil, meta end
  local decoded, err = node.host.decode(meta)
  if not decoded then return nil, err end
  return content_key, decoded
end

---What `stat` gives.
function names.describe(fields, meta, from)
  return {
    key = meta.name, size = fields.size, version = fields.version, modified = meta.modified, fields = meta.fields,
    encrypted = not fields.plain, from = from,
  }
end

---`nil, err` for what was deleted.
function names.deleted(key, code)
  return errors.fail(code or "not_found", ("'%s' was deleted"):format(key), { key = key })
end

---What lies here under a name: its fields and record.
---@return filo.core.Fields?, string|filo.Error
function names.stat(node, name)
  local fields, record = node.disk:stat(node.namespace, name.path)
  if fields and fields.key_hash ~= name.hash then return names.taken(name) end
  return fields, record
end

---`nil, err`: another key's object lies where this one's would.
function names.taken(name)
  local sentence = "'%s' cannot be here: another key's object lies at its path %s; the path function must give each key its own"
  return errors.fail("invalid", sentence:format(name.key, name.path), { key = name.key })
end

---The version of what is about to be published: later than what is here, and than `known`, which a peer has.
---@param known? integer
function names.next_version(node, name, known)
  local existing = node.disk:stat(node.namespace, name.path)
  return math.max(node.host.time(), (existing and existing.version or 0) + 1, (known or 0) + 1)
end

return names
