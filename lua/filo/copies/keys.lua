---Keys, and names: from the key of a user to the place of an object and what is sealed with it, and one writer at a time for each.
---
---A name is {key = what the user calls it, hash = what peers see instead, path = where it lies below its namespace's folder}.

local errors = require "filo.base.errors"
local path_layout = require "filo.copies.path_layout"
local versions = require "filo.copies.versions"
local new_locks = require "filo.host.lock"

local KEY_MAX = 4096

---A writer, in metadata: the start of its node ID.
local WRITER = 8

---@class filo.Names
local Names = {}
Names.__index = Names

---@param given {host: filo.Host, disk: table, keys: filo.Keys, namespace: string, versions: filo.Versions, id: string, hash_key?: function,
---  path: table|function, generation: filo.Generation}  id: the node's, raw
---@return filo.Names
local function new(given)
  return setmetatable({
    host = given.host, disk = given.disk, keys = given.keys, namespace = given.namespace, hash_key = given.hash_key,
    versions = given.versions, me = given.id:sub(1, WRITER), transform = given.path, writers = new_locks(given.host),
    generation = given.generation,
  }, Names)
end

---Misuse is an error at `level`, as for `error`.
---@return string?, filo.Error?
local function check_key(key, level)
  if type(key) ~= "string" then error("a key must be a string, not a " .. type(key), level + 1) end
  if #key == 0 or #key > KEY_MAX then
    return errors.fail("invalid", ("a key must have 1 to %d bytes; this one has %d"):format(KEY_MAX, #key))
  end
  return key
end

---What stands for a key at peers.
---@return string?, filo.Error?  32 bytes; "denied": single objects can be read, and not this one
function Names:hash(key)
  local crypto = self.host.crypto
  if not self.hash_key then return self.keys:key_hash(key) end
  local given = self.hash_key(key)
  if type(given) ~= "string" or #given == 0 then error("option hash_key: the function must return a string", 0) end
  return #given == 32 and given or crypto.digest("sha256", given)
end

---Where an object lies below its namespace's folder.
---@return string?, filo.Error?
function Names:path(hash) return path_layout.path(self.host, self.transform, hash) end

---The name of a key that was checked.
---@return table?, filo.Error?
function Names:of(key)
  local hash, err = self:hash(key)
  if not hash then return nil, errors.wrap(err, ("'%s' cannot be read"):format(key), { key = key }) end
  local path
  path, err = self:path(hash)
  if not path then return nil, err end
  return { key = key, hash = hash, path = path }
end

---`nil, err`: what lies under a key's hash is another key's.
local function same_hash(name, other)
  local sentence = "'%s' cannot be read: the object with its hash is '%s'; the function hash_key must give each key its own"
  return errors.fail("invalid", sentence:format(name.key, other), { key = name.key })
end

---Whether what says who wrote, and what he had seen, is what it should be: another writer may have made it.
local function is_sound(meta)
  if type(meta) ~= "table" or meta.by ~= nil and type(meta.by) ~= "string" then return false end
  if meta.wraps ~= nil and math.type(meta.wraps) ~= "integer" then return false end
  if meta.seen == nil then return true end
  if type(meta.seen) ~= "table" then return false end
  for writer, version in pairs(meta.seen) do
    if type(writer) ~= "string" or math.type(version) ~= "integer" then return false end
  end
  return true
end

local function unreadable(err, name)
  return name and errors.wrap(err, ("'%s' cannot be read"):format(name.key), { key = name.key }) or err
end

---Metadata as it was sealed, checked.
local function read_metadata(self, bytes, name)
  local meta = self.host.decode(bytes)
  if not meta or not is_sound(meta) then return errors.fail("corrupt", "its metadata makes no sense") end
  if name and meta.name ~= name.key then return same_hash(name, meta.name) end
  return meta
end

---The content key and metadata of a record of ours.
---@param name? table  that it was looked for under: a record of another key is refused
---@return string?, table|filo.Error
function Names:unseal(record, name)
  local content_key, bytes = self.host.store.unseal(self.keys, record)
  if not content_key then return nil, unreadable(bytes, name) end
  local meta, err = read_metadata(self, bytes, name)
  if not meta then return nil, err end
  return content_key, meta
end

---The metadata of an object of ours, whose content can be read from then on.
---@param object filo.core.Object
---@param name table  as for `unseal`
---@return table?, filo.Error?
function Names:unlock(object, name)
  local bytes, err = object:unseal(self.keys)
  if not bytes then return nil, unreadable(err, name) end
  return read_metadata(self, bytes, name)
end

---Bytes of a text that stands for content, at most.
local ETAG_MAX = 64

---Whether a value can stand for content: it goes into a header of HTTP, between quotes.
local function is_etag(value) return type(value) == "string" and #value <= ETAG_MAX and value:find "^[\x21\x23-\x7e]+$" ~= nil end

---What metadata says that stands for the content; none where another writer has put in what cannot.
---@return string?
local function etag_of(meta) return is_etag(meta.etag) and meta.etag or nil end

---What `stat` gives.
local function describe(fields, meta, from)
  return {
    key = meta.name, size = fields.size, version = fields.version, modified = meta.modified, fields = meta.fields, class = fields.class,
    encrypted = not fields.plain, from = from, stamp = meta.stamp, etag = etag_of(meta),
  }
end

---`nil, err` for what was deleted.
local function deleted(key, code)
  return errors.fail(code or "not_found", ("'%s' was deleted"):format(key), { key = key })
end

---`nil, err` for what is not here.
local function missing(key) return errors.fail("not_found", ("'%s' is not here"):format(key), { key = key }) end

---`nil, err`: another key's object lies where this one's would.
local function taken(name)
  local sentence = "'%s' cannot be here: another key's object lies at its path %s; the path function must give each key its own"
  return errors.fail("invalid", sentence:format(name.key, name.path), { key = name.key })
end

---Waits for its turn as a writer of something, until the end of the scope.
---@param what string
function Names:lock(what) return self.writers:take(what) end

---What lies here under a name: its fields and record.
---@return filo.core.Fields?, string|filo.Error
function Names:stat(name)
  local fields, record = self.disk:stat(self.namespace, name.path)
  if fields and fields.key_hash ~= name.hash then return taken(name) end
  if not fields and record.code == "not_found" then return missing(name.key) end
  return fields, record
end

---Adds to `seen` a version, and what was seen by who wrote it. Gives its fields.
local function add_seen(self, seen, record)
  local fields = self.host.store.peek(record)
  local content_key, meta = self:unseal(record)
  if not content_key then return fields end
  for writer, version in pairs(meta.seen or {}) do seen[writer] = math.max(version, seen[writer] or 0) end
  if meta.by then seen[meta.by] = math.max(meta.wraps or fields.version, seen[meta.by] or 0) end
  return fields
end

---A version of an object that is later than what is here, and than what peers have.
---@param here? filo.core.Fields  what is here
---@param record? string  the same
---@return table?, filo.Error?  key_hash, version, generation, class, meta; as store:tombstone and deposit:publish take it
local function version_after(self, name, meta, how, here, record)
  local seen = {}
  if here then add_seen(self, seen, record) end
  -- What only peers have was seen by who writes over what is not here; not by who changes an older version, which is here.
  local there = how.elsewhere and add_seen(self, here and {} or seen, how.elsewhere)
  local before = there and not (here and here.version > there.version) and there or here
  local latest = math.max(how.known or 0, before and before.version or 0)
  if before then self.generation:learn(before.generation) end
  seen[self.me] = nil -- who writes has seen what he wrote
  meta.by, meta.seen, meta.wraps = self.me, next(seen) and seen or nil, nil
  local version
  if how.amends then version = self.versions:above(latest) else version = self.versions:after(latest) end
  if not version then return errors.fail("invalid", "its version is the last that can be: a writer of this namespace made it so") end
  return {
    key_hash = name.hash, version = version, generation = self.generation.number, class = how.class or before and before.class or 0,
    meta = self.host.encode(meta),
  }
end

---What `stat` says where nothing lies that a version could be written over: of all else, it is not known what that was.
local IS_NOTHING = { not_found = true, corrupt = true }

---Has the first version of an object published without looking first whether there is one, which takes a trip to a worker of its own:
---publish(version, true) gives false when there is. What else it gives, or nil: it is known that there is one, or that there is none.
local function write_first(self, name, meta, how, publish)
  local here, record = self.disk:stat(self.namespace, name.path, true)
  if here or record.code ~= "busy" then return nil end
  local version, err = version_after(self, name, meta, how)
  if not version then return table.pack(nil, err) end
  local result = table.pack(publish(version, true))
  return result[1] ~= false and result or nil
end

---Seals and publishes a version of an object that is later than what is here, and than what peers have. Its metadata says who wrote it and
---what he had seen.
---@param meta table  name, modified, fields, etag
---@param how {class?: integer, known?: integer, elsewhere?: string, amends?: boolean, first?: boolean}
---  class: that of the version before, or 0, when left out; known: a version that a peer has; elsewhere: the newest record that peers have;
---  amends: the content is that of the version before; first: publish knows what to do with `fresh`
---@param publish fun(version: table, fresh?: boolean): ...  fresh: it gives false, and does nothing, when anything lies there
function Names:write(name, meta, how, publish)
  local first = how.first and write_first(self, name, meta, how, publish)
  if first then return table.unpack(first, 1, first.n) end
  local here, record = self.disk:stat(self.namespace, name.path)
  if not here and not IS_NOTHING[record.code] then return nil, record end
  local version, err = version_after(self, name, meta, how, here, record)
  if not version then return nil, err end
  return publish(version)
end

---The record of a version that is of the newest generation, and else what it was: who wrote it, when and knowing what, stay the same.
---@param record string  which was checked
---@return string?, filo.Error?
function Names:rewrap(record)
  local fields, err = self.host.store.peek(record)
  if not fields then return nil, err end
  local content_key, meta = self:unseal(record)
  if not content_key then return nil, meta end
  local version = versions.beside(fields.version, self.generation.number - fields.generation)
  if not version then return errors.fail("invalid", "its version is the last that can be: a writer of this namespace made it so") end
  meta.wraps = meta.wraps or fields.version
  return self.host.store.reseal(self.keys, record, {
    key_hash = fields.key_hash, version = version, generation = self.generation.number, class = fields.class,
    meta = self.host.encode(meta),
  })
end

---Whether who wrote a version knew of another, or of what that one wraps. Who has only rewrapped one knew of no later one.
---@param meta table  of the one
---@param other table  metadata of the other
---@param version integer  the other
---@return boolean
local function knew(meta, other, version)
  version = other.wraps or version
  if meta.by == other.by then return meta.wraps == nil or meta.wraps >= version end
  return other.by ~= nil and meta.seen ~= nil and (meta.seen[other.by] or 0) >= version
end

return {
  new = new, check_key = check_key, describe = describe, deleted = deleted, taken = taken, knew = knew, is_etag = is_etag,
  etag_of = etag_of, KEY_MAX = KEY_MAX,
}
