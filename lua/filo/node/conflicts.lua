---Conflicts: two versions of an object by two writers, neither of whom knew of the other's. The larger version counts, at every node; the
---other is kept under a key of its own by the node that has it when the conflict is noticed, before it is replaced.

local errors = require "filo.base.errors"
local keys = require "filo.copies.keys"
local versions = require "filo.copies.versions"

---@class filo.Conflict  what the hook `conflict` is given
---@field key string
---@field kept string  the key of what was replaced
---@field version integer  the one that counts

---@class filo.Conflicts
local Conflicts = {}
Conflicts.__index = Conflicts

---@param given {host: filo.Host, disk: table, names: filo.Names, hooks: filo.Hooks, versions: filo.Versions, namespace: string,
---  pass_on: fun(tombstone: table)}
---  storing is set later
---@return filo.Conflicts
local function new(given) return setmetatable(given, Conflicts) end

---"report.pdf (conflict 0123abcd 2026-11-29 07:20:01)": who wrote it, and when. Of a key that is too long for that, a digest stands for the
---end. A folder's key still ends with "/".
local function kept_key(self, meta, version)
  local crypto = self.host.crypto
  local when = os.date("!%Y-%m-%d %H:%M:%S", version // 1000000)
  local suffix = (" (conflict %s %s)"):format(crypto.hex(meta.by or ""):sub(1, 8), when)
  local name, slash = meta.name:match "^(.-)(/?)$"
  if #meta.name + #suffix <= keys.KEY_MAX then return name .. suffix .. slash end
  suffix = "~" .. crypto.hex(crypto.digest("sha256", meta.name)):sub(1, 16) .. suffix
  return meta.name:sub(1, keys.KEY_MAX - #suffix - #slash) .. suffix .. slash
end

---Keeps the version that is here under another key.
local function keep(self, here, record, meta, path, counts)
  local key = kept_key(self, meta, here.version)
  local ok, err = self.storing:keep_as({ record = record, path = path }, key, function(kept) kept.conflict = meta.name end)
  if not ok then return nil, err end
  self.host.log("warning", ("'%s' was written at two nodes at once: what %s wrote is kept as '%s'"):format(meta.name,
    self.host.crypto.hex(meta.by or ""):sub(1, 16), key))
  self.hooks:announce("conflict", { key = meta.name, kept = key, version = counts })
  return key
end

---Whether two have no content and the same fields, as folders and links of one tree have that was stored at two nodes.
local function are_alike(self, a, fields, b, other)
  return fields.size == 0 and other.size == 0 and not fields.tombstone and self.host.encode(a.fields) == self.host.encode(b.fields)
end

---Whether what is here is content that who wrote a newer record did not know of; its metadata. What was kept once is kept by all who have
---it, each by its own record: of these the larger counts.
local function is_unknown(self, newer, fields, here, record)
  if here.tombstone then return nil end
  local content_key, meta = self.names:unseal(record)
  if not content_key or meta.conflict or keys.knew(newer, meta, here.version) then return nil end
  return not are_alike(self, newer, fields, meta, here) and meta or nil
end

---The metadata of a record that another writer has sent.
local function read(self, fields, record)
  local content_key, meta = self.names:unseal(record)
  if not content_key then return nil, meta end
  if type(meta.name) ~= "string" or not keys.check_key(meta.name) or self.names:hash(meta.name) ~= fields.key_hash then
    return errors.fail("corrupt", "its key is not the one that it has a hash of")
  end
  return meta
end

---Keeps what is here, if who wrote a newer record did not know of it. The lock on the name is the caller's.
---@param meta? table  of the newer record, where it was read already
---@return true?, filo.Error?
local function make_way(self, fields, record, path, meta)
  local err
  if not meta then meta, err = read(self, fields, record) end
  if not meta then return nil, err end
  self.versions:note(fields.version)
  self.names.generation:learn(fields.generation)
  local here, there = self.disk:stat(self.namespace, path)
  local unknown = here and versions.newer(fields, here) and is_unknown(self, meta, fields, here, there)
  if not unknown then return true end
  local kept
  kept, err = keep(self, here, there, unknown, path, fields.version)
  return kept and true, err
end

---Publishes what another writer of the namespace has made.
---@param partial filo.core.Partial  all of it
---@param fields filo.core.Fields
---@param record string
---@param path string
---@return true?, filo.Error?
function Conflicts:publish(partial, fields, record, path)
  if self.names.keys:access() ~= "write" then return partial:publish() end
  local _ <close> = self.names:lock(fields.key_hash)
  local ok, err = make_way(self, fields, record, path)
  if ok then ok, err = partial:publish() end
  if not ok then return nil, err end
  if fields.tombstone then
    self.pass_on { record = record, version = fields.version, path = path, key_hash = fields.key_hash }
  end
  return true
end

---A deletion that a peer has listed takes the place of what lies here. False: another writer has made it so that it makes no sense.
---@param fields filo.core.Fields
---@param record string
---@param path string
---@return boolean?, filo.Error?
function Conflicts:bury(fields, record, path)
  if self.names.keys:access() == "write" then
    local meta, senseless = read(self, fields, record)
    if not meta and senseless.code == "corrupt" then return false, senseless end
    if not meta then return nil, senseless end
  end
  local partial <close>, err = self.disk:partial(path, record, "")
  local ok
  if partial then ok, err = self:publish(partial, fields, record, path) end
  if ok or err.code == "exists" then return true end
  return nil, err
end

---What is to be done before what peers have takes the place of what is here.
---@param fields filo.core.Fields
---@param record string
---@param path string
---@param meta? table  its metadata, where that was read already, and is of an object of the right key
---@return true?, filo.Error?
function Conflicts:before(fields, record, path, meta)
  if self.names.keys:access() ~= "write" then return true end
  local _ <close> = self.names:lock(fields.key_hash)
  return make_way(self, fields, record, path, meta)
end

---What to do with a version that was just stored here, when a peer has a newer record: true and an error, when another writer has made
---that, who did not know of the one here. Then this is kept under another key, and goes.
---@param version filo.Version
---@param record string
---@return boolean lost, filo.Error?
function Conflicts:yield(version, record)
  local fields = self.host.store.peek(record)
  local content_key, meta = self.names:unseal(record)
  if not content_key or fields.tombstone then return false end
  local _ <close> = self.names:lock(version.key_hash)
  local here, there = self.disk:stat(self.namespace, version.path)
  if not here or there ~= version.record then return false end
  local mine_key, mine = self.names:unseal(there)
  if mine_key and keys.knew(mine, meta, fields.version) then return false end -- it is but a rewrapping of what was known
  local unknown = meta.by ~= self.names.me and is_unknown(self, meta, fields, here, there)
  if not unknown then return false end
  self.versions:note(fields.version)
  local kept, err = keep(self, here, there, unknown, version.path, fields.version)
  if not kept then return true, err end
  self.disk:remove(self.namespace, version.path, here.version)
  return true, errors.new("exists", ("'%s' was written at another node at the same time: what was stored here is kept as '%s'"):format(
    unknown.name, kept), { key = unknown.name, kept = kept })
end

return new
