---Old copies of a simulated store: those in the trash of its disk, and versions that are kept. As core/store/old.h.

local errors = require "filo.base.errors"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.sim.Old: filo.core.Old
---@field file filo.sim.File

local old = {}

local FIELDS = { "namespace", "key_hash", "version", "size", "time", "class", "why" }

local function is_of(each, fields) return each.namespace == fields.namespace and each.key_hash == fields.key_hash end

local function kind_of(each) return each.why == "replaced" and "versions" or "trash" end

---@param store filo.sim.Store
---@param file filo.sim.File  nothing lies at its path any more
local function put(store, file, why)
  local fields = file.fields
  store.disk:put_old {
    namespace = fields.namespace, key_hash = fields.key_hash, version = fields.version, size = fields.size, time = store.seconds(),
    class = fields.class, why = why, file = file,
  }
end

---What was dropped goes there, if it can be told what it is.
---@param file filo.sim.File
function old.keep_dropped(store, file)
  if file.unreadable or file.fields.tombstone then return end
  local fields = file.fields
  store.disk:drop_old(function(each) return is_of(each, fields) and each.version == fields.version and each.why ~= "replaced" end)
  put(store, file, "dropped")
end

---How many versions of an object are kept; nil: that is not known.
local function versions_kept(store, each)
  local text = store.keeps_versions[each.namespace]
  return text and text:byte(each.class + 1)
end

---Of an object no more versions stay than are kept.
local function drop_surplus(store, namespace, key_hash, most)
  local numbers = {}
  for _, each in ipairs(store.disk.old) do
    if each.why == "replaced" and each.namespace == namespace and each.key_hash == key_hash then numbers[#numbers + 1] = each.version end
  end
  table.sort(numbers, function(a, b) return a > b end)
  local least = numbers[most] or most == 0 and math.maxinteger or 0
  store.disk:drop_old(function(each)
    return each.why == "replaced" and each.namespace == namespace and each.key_hash == key_hash and each.version < least
  end)
end

local function has_same_content(a, b) return a.size == b.size and a.iv == b.iv and a.root == b.root end

local function bury(store, fields, there)
  if not store.keeps_deleted[fields.namespace] then
    return store.disk:drop_old(function(each) return is_of(each, fields) and each.version <= fields.version end)
  end
  for _, each in ipairs(store.disk.old) do
    if is_of(each, fields) and each.why == "replaced" then each.why, each.time = "deleted", store.seconds() end
  end
  if there then put(store, there, "deleted") end
end

---A version takes the place of what lies there: that stays among the versions, where these are kept; with a deletion, what there is of the
---object goes, or goes to the trash.
---@param fields filo.core.Fields
---@param there? filo.sim.File
function old.replaced(store, fields, there)
  if there and (there.unreadable or there.fields.tombstone) then there = nil end
  if fields.tombstone then return bury(store, fields, there) end
  local most = versions_kept(store, fields) or 0
  if most == 0 or not there or has_same_content(there.fields, fields) then return end
  put(store, there, "replaced")
  drop_surplus(store, fields.namespace, fields.key_hash, most)
end

local function oldest_of(list, kind, namespace)
  local oldest
  for _, each in ipairs(list) do
    local counts = kind_of(each) == kind and (not namespace or each.namespace == namespace)
    if counts and (not oldest or each.time < oldest.time) then oldest = each end
  end
  return oldest
end

---Gives back room, the trash first and of each the oldest, until so many bytes are free, if there is enough of it.
---@return boolean
function old.yield(store, bytes)
  local disk = store.disk
  local function free() return disk:free() - store.reserve end
  if disk.full or free() + old.bytes(store) < bytes then return false end
  while free() < bytes and disk.old[1] do
    local oldest = oldest_of(disk.old, "trash") or oldest_of(disk.old, "versions")
    disk:drop_old(function(each) return each == oldest end)
  end
  return free() >= bytes
end

---What all of it takes.
---@return integer
function old.bytes(store)
  local bytes = 0
  for _, each in ipairs(store.disk.old) do bytes = bytes + each.size end
  return bytes
end

---@return filo.sim.Old?, filo.Error?
function old.find(store, wanted)
  for _, each in ipairs(store.disk.old) do
    if is_of(each, wanted) and each.version == wanted.version and each.time == wanted.time and each.why == wanted.why then return each end
  end
  return errors.fail("not_found", "that version is not there any more")
end

-- Methods of a store ----------------------------------------------------------------------------------------------------

local methods = {}

local function list_if(store, wanted)
  store:pause()
  local problem = store:read_problem()
  if problem then return nil, problem end
  local list = {}
  for _, each in ipairs(store.disk.old) do
    if wanted(each) then
      local entry = {}
      for _, name in ipairs(FIELDS) do entry[name] = each[name] end
      list[#list + 1] = entry
    end
  end
  return list
end

function methods:old(kind, bucket)
  return list_if(self, function(each) return kind_of(each) == kind and each.key_hash:byte() == bucket end)
end

function methods:old_of(kind, namespace, key_hash)
  return list_if(self, function(each)
    return kind_of(each) == kind and each.namespace == namespace and each.key_hash == key_hash
  end)
end

function methods:old_usage(kind)
  self:pause()
  local count, bytes = 0, 0
  for _, each in ipairs(self.disk.old) do
    if kind_of(each) == kind then count, bytes = count + 1, bytes + each.size end
  end
  return count, bytes
end

function methods:old_owners()
  self:pause()
  local of, list = {}, {}
  for _, each in ipairs(self.disk.old) do
    if each.why == "replaced" then
      local owner = of[each.namespace] or { namespace = each.namespace, objects = 0, bytes = 0 }
      of[each.namespace], owner.objects, owner.bytes = owner, owner.objects + 1, owner.bytes + each.size
    end
  end
  for i, namespace in ipairs(sorted_keys(of)) do list[i] = of[namespace] end
  return list
end

function methods:yield_versions(namespace, bytes)
  self:pause()
  local gone = 0
  while gone < bytes do
    local oldest = oldest_of(self.disk.old, "versions", namespace)
    if not oldest then break end
    self.disk:drop_old(function(each) return each == oldest end)
    gone = gone + oldest.size
  end
  return gone
end

function methods:old_object(wanted)
  self:pause()
  local found, err = old.find(self, wanted)
  if not found then return nil, err end
  return self:open_file(found.file)
end

function methods:restore(wanted, path)
  self:pause()
  local found, err = old.find(self, wanted)
  local problem = self:read_problem() or found and self:refusal(found.file.fields, path)
  if problem or not found then return nil, problem or err end
  self.disk:drop_old(function(each) return each == found end)
  found.file.verified = 0
  self.disk:flushed(self.disk:publish(found.namespace, path, found.file))
  return true
end

function methods:forget_old(wanted)
  self:pause()
  self.disk:drop_old(function(each)
    return is_of(each, wanted) and each.version == wanted.version and kind_of(each) == kind_of(wanted)
  end)
  return true
end

function methods:sweep_old(seconds)
  self:pause()
  local last = self.seconds() - seconds
  self.disk:drop_old(function(each) return each.why ~= "replaced" and each.time <= last end)
  for _, each in ipairs(table.move(self.disk.old, 1, #self.disk.old, 1, {})) do
    local most = each.why == "replaced" and versions_kept(self, each)
    if most then drop_surplus(self, each.namespace, each.key_hash, most) end
  end
  return true
end

function methods:keep_deleted(namespace, keeps)
  self.keeps_deleted[namespace] = keeps or nil
  return true
end

function methods:keep_versions(namespace, text)
  self.keeps_versions[namespace] = text
  return true
end

old.methods = methods

return old
