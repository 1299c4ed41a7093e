---Deleting everywhere, by a signed tombstone, and evicting the copy here alone.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local keys = require "filo.copies.keys"
local plan = require "filo.placement.plan"

---@class filo.Deleting
local Deleting = {}
Deleting.__index = Deleting

---@param given {host: filo.Host, disk: table, identity: filo.Identity, names: filo.Names, getting: filo.Getting, fetches: filo.Fetches,
---  tombstones: filo.Tombstones, survey: filo.Survey, prove: filo.Prove, hooks: filo.Hooks, id: string, namespace: string,
---  readonly: boolean}
---@return filo.Deleting
local function new(given) return setmetatable(given, Deleting) end

---Publishes a tombstone that is newer than what is here, and than the version `known` to a peer.
local function bury(self, name, known)
  local _ <close> = self.names:lock(name.hash)
  local version = self.names:next_version(name, known)
  local meta = self.host.encode { name = name.key }
  local record, err = self.disk:tombstone(self.identity, name.hash, version, meta, name.path)
  if not record then return nil, errors.wrap(err, ("cannot delete '%s'"):format(name.key), { key = name.key }) end
  return { record = record, version = version, path = name.path, key_hash = name.hash, key = name.key }
end

---As Node:delete.
---@return filo.Receipt?, filo.Error?
function Deleting:delete(name)
  local item, err = self.getting:stat(name)
  if not item then return nil, err end
  local receipt, known = nil, item.version
  local ok
  ok, err = self.hooks:allow("before_delete", item)
  if not ok then return nil, err end
  while known do
    local tombstone, problem = bury(self, name, known)
    if not tombstone then return nil, problem end
    receipt, known = self.tombstones:tell_all(tombstone)
  end
  self.hooks:announce("deleted", item, receipt)
  return receipt
end

---Whether a peer has proved that it has a good copy of the version, or of a newer one. Those that say so are asked one after the other;
---which is asked first, depends on who answers first. Otherwise, what was wrong with those that were asked.
---@return boolean proved, string[] problems
local function has_proof(self, name, fields)
  local asked, problems = {}, {}
  local function next_of(copies)
    for _, copy in ipairs(plan.others(fields, copies, self.id)) do
      if not asked[copy.node] then return copy end
    end
  end
  while true do
    local copy = next_of(self.survey:copies(name, function(copies) return next_of(copies) ~= nil end))
    if not copy then return false, problems end
    asked[copy.node] = true
    local ok, err = self.prove:at(name, copy)
    if ok then return true, problems end
    problems[#problems + 1] = ("at node %s: %s"):format(copy.node:sub(1, 16), tostring(err))
  end
end

---As Node:evict. The copy here goes only while there is another, which was read and checked: it may be the last.
---@return true?, filo.Error?
function Deleting:evict(name)
  self.fetches:wait(name.hash)
  local fields, err = self.names:stat(name)
  if not fields and err.code == "not_found" then return nil, err end
  if not fields then return nil, errors.wrap(err, ("cannot evict '%s'"):format(name.key), { key = name.key }) end
  if fields.tombstone then return keys.deleted(name.key) end
  local proved, problems = self.readonly, nil
  if not proved then proved, problems = has_proof(self, name, fields) end
  if proved then return self.disk:remove(self.namespace, name.path, fields.version) end
  local sentence = "no peer that is connected has %s of '%s', so the one here stays: it may be the last%s; to delete it everywhere, "
    .. "use delete"
  local what = problems[1] and "proved that it has a good copy" or "a copy"
  local why = problems[1] and (" (%s)"):format(format.several(problems, "; ")) or ""
  return errors.fail("not_enough_copies", sentence:format(what, name.key, why), { key = name.key })
end

return new
