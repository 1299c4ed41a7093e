---Bringing back what lies in the trash: in its place again, or, where it was deleted, as a new version above the deletion.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local keys = require "filo.copies.keys"
local versions = require "filo.copies.versions"

---@class filo.Undeleting
local Undeleting = {}
Undeleting.__index = Undeleting

---@param given {host: filo.Host, disk: table, names: filo.Names, find: filo.Find, storing: filo.Storing, trash: filo.Trash,
---  namespace: string}
---@return filo.Undeleting
local function new(given) return setmetatable(given, Undeleting) end

---What is known to be the newest, of what lies here and what connected peers have.
---@return filo.core.Fields? fields, string|filo.Error|nil record, boolean? elsewhere
local function newest(self, name)
  local here, record = self.names:stat(name)
  if not here and record.code ~= "not_found" then return nil, record end
  local found = self.find:newest(name)
  if found and not (here and not versions.newer(found.fields, here)) then return found.fields, found.record, true end
  if here then return here, record end
end

local function not_there(name)
  local sentence = "'%s' is not in the trash: what is dropped here lies there for a while, what is deleted only with the option trash "
    .. "= { deletes = true }, and all of it goes when its room is needed"
  return errors.fail("not_found", sentence:format(name.key), { key = name.key })
end

---What stands against it that a version comes back into its place.
local function check_newer(name, old, there, elsewhere)
  if not there or there.version < old.version or elsewhere and there.version == old.version then return true end
  local sentence = elsewhere and "peers have a newer version of '%s' than the trash: get that"
    or "'%s' is here, and what is in the trash is no newer"
  return errors.fail("exists", sentence:format(name.key), { key = name.key })
end

---Of what was deleted only who writes it can make another version.
local function check_deleted(self, name, elsewhere)
  if self.names.keys:access() ~= "write" then
    return errors.fail("denied", ("'%s' was deleted, and only who may write it can bring it back"):format(name.key), { key = name.key })
  end
  if elsewhere and not self.trash:keeps_deleted() then return keys.deleted(name.key) end -- then it would be gone here, too
  return true
end

---As Node:undelete, of a name.
---@return filo.Receipt?, filo.Error?
function Undeleting:undelete(name)
  local list, err = self.trash:of(self.namespace, name.hash)
  if not list then return nil, err end
  local old = list[1]
  if not old then return not_there(name) end
  local object <close>, bad = self.trash:open(old)
  if not object then return nil, errors.wrap(bad, ("'%s' cannot be brought back"):format(name.key), { key = name.key }) end
  local there, record, elsewhere = newest(self, name)
  if not there and record then return nil, record end
  local ok
  if there and there.tombstone and there.version > old.version then
    ok, err = check_deleted(self, name, elsewhere)
    if not ok then return nil, err end
    local receipt, problem = self.storing:bring_back(name, old, object:record(), elsewhere and record or nil)
    object:close()
    if receipt or problem.receipt then self.disk:forget_old(old) end
    return receipt, problem
  end
  ok, err = check_newer(name, old, there, elsewhere)
  if ok then ok, err = self.disk:restore(old, name.path) end
  if not ok then return nil, err end
  return self.storing:replicate(name)
end

---As Node:undelete, of a copy that was held for another.
---@param copy filo.Trashed
---@return true?, filo.Error?
function Undeleting:restore(copy)
  local namespace, crypto = self.host.crypto.unhex(copy.owner), self.host.crypto
  local list, err = self.trash:of(namespace, copy.key_hash)
  if not list then return nil, err end
  local old
  for _, each in ipairs(list) do
    if each.version == copy.version then old = each end
  end
  if not old then return errors.fail("not_found", "that copy is not in the trash any more") end
  local path
  path, err = self.names:path(copy.key_hash)
  if not path then return nil, err end
  local object <close>, bad = self.trash:open(old)
  local ok
  if object then ok, err = self.disk:restore(old, path) else err = bad end
  if ok then return true end
  return nil, errors.wrap(err, ("the copy %s, version of %s, cannot be brought back"):format(crypto.hex(copy.key_hash):sub(1, 16),
    format.date(copy.version // 1000000)))
end

return new
