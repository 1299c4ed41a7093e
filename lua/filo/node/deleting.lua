---Deleting everywhere, by a signed tombstone; and removing one copy, the one here or that of a peer, while there is another good one.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local keys = require "filo.copies.keys"
local new_locks = require "filo.host.lock"
local plan = require "filo.placement.plan"
local retry = require "filo.replication.retry"

---@class filo.Deleting
---@field removing filo.Locks  one at a time for each object: of two, each would rely on the copy that the other removes
local Deleting = {}
Deleting.__index = Deleting

---@param given {host: filo.Host, disk: table, keys: filo.Keys, names: filo.Names, getting: filo.Getting, fetches: filo.Fetches,
---  tombstones: filo.Tombstones, find: filo.Find, survey: filo.Survey, prove: filo.Prove, verifier: filo.Verifier, hooks: filo.Hooks,
---  holders: filo.Holders, catalogue: filo.Catalogue, trash: filo.Trash, id: string, namespace: string,
---  vouching: filo.Vouching, readonly: boolean, elsewhere: (fun(name: filo.Name): string?), expecting: filo.Expecting}
---@return filo.Deleting
local function new(given)
  given.removing = new_locks(given.host)
  return setmetatable(given, Deleting)
end

---The newest record that peers have, where that counts.
---@return filo.Asked
local function ask(self, name, expected)
  if expected then return self.expecting:ask(name) end
  local elsewhere = self.elsewhere(name)
  if elsewhere or self.names:stat(name) then return { record = elsewhere } end
  local found = self.find:newest(name)
  return { record = found and found.record }
end

---Publishes a tombstone that is newer than what is here, and than the version `known` to a peer.
---@param expected? integer
local function bury(self, name, known, expected)
  local asked = ask(self, name, expected)
  local elsewhere = asked.record
  local _ <close> = self.names:lock(name.hash)
  local newest, problem = known, nil
  if expected then newest, problem = self.expecting:decide(name, expected, asked) end
  if not newest then return nil, problem end
  known = math.max(known, newest)
  local number
  local record, err = self.names:write(name, { name = name.key }, { known = known, elsewhere = elsewhere }, function(version)
    number = version.version
    return self.disk:tombstone(self.keys, version, name.path)
  end)
  if not record then return nil, errors.wrap(err, ("cannot delete '%s'"):format(name.key), { key = name.key }) end
  return { record = record, version = number, path = name.path, key_hash = name.hash, key = name.key }
end

---What is to be deleted. Where a version of it is expected, that it is not there is another one than that.
---@param expected? integer
---@return table?, filo.Error?
local function find_item(self, name, expected)
  local may, vain = true, nil
  if expected then may, vain = self.expecting:foresee(name, expected) end
  if not may then return nil, vain end
  local item, err = self.getting:stat(name)
  if item or not expected or err.code ~= "not_found" then return item, err end
  local _, why = self.expecting:decide(name, expected, self.expecting:ask(name))
  return nil, why or err
end

---As Node:delete.
---@param expected? integer
---@return filo.Receipt?, filo.Error?
function Deleting:delete(name, expected)
  local item, err = find_item(self, name, expected)
  if not item then return nil, err end
  local receipt, known = nil, item.version
  local ok
  ok, err = self.holders:check()
  if not ok then return nil, errors.wrap(err, ("cannot delete '%s'"):format(name.key), { key = name.key }) end
  ok, err = self.hooks:allow("before_delete", item)
  if not ok then return nil, err end
  while known do
    local tombstone, problem = bury(self, name, known, expected)
    if not tombstone then return nil, problem end
    expected = nil -- that was decided
    receipt, known = self.tombstones:tell_all(tombstone)
  end
  self.hooks:announce("deleted", item, receipt)
  return receipt
end

---Only who has the same version can tell whether a peer has the bytes of it.
local NEWER = "it says that it has a newer version, which nobody else has to compare it with: get that first"

---Whether a peer has proved that it has a good copy of the version. Those that say so are asked one after the other; which is asked first,
---depends on who answers first. Otherwise, what was wrong with those that were asked.
---@param reference filo.Reference  who has the version, too
---@param except? string  ID of a peer that is not asked
---@return boolean proved, string[] problems
local function has_proof(self, name, fields, reference, except)
  local asked, problems = {}, {}
  if except then asked[except] = true end
  local function next_of(copies)
    for _, copy in ipairs(plan.others(fields, copies, self.id)) do
      if not asked[copy.node] then return copy end
    end
  end
  while true do
    local copy = next_of(self.survey:copies(name, function(copies) return next_of(copies) ~= nil end))
    if not copy then return false, problems end
    asked[copy.node] = true
    local ok, err = nil, NEWER
    if copy.version == fields.version then ok, err = self.prove:at(name, copy, reference) end
    if ok then return true, problems end
    problems[#problems + 1] = ("at node %s: %s"):format(copy.node:sub(1, 16), tostring(err))
  end
end

---As Node:evict. The copy here goes only while there is another, which was read and checked: it may be the last.
---@return true?, filo.Error?
function Deleting:evict(name)
  local _ <close> = self.removing:take(name.hash)
  self.fetches:wait(name.hash)
  local _ <close> = self.vouching:go(self.namespace, name.hash)
  local fields, err = self.names:stat(name)
  if not fields and err.code == "not_found" then return nil, err end
  if not fields then return nil, errors.wrap(err, ("cannot evict '%s'"):format(name.key), { key = name.key }) end
  if fields.tombstone then return keys.deleted(name.key) end
  local proved, problems = self.readonly, nil
  if not proved then proved, problems = has_proof(self, name, fields, self.prove:here(name)) end
  if proved then
    self.catalogue:catch_up() -- it knows of what goes now, and lists it from then on as what peers have
    return self.disk:remove(self.namespace, name.path, fields.version, self.trash:keeps())
  end
  local sentence = "no peer that is connected has %s of '%s', so the one here stays: it may be the last%s; to delete it everywhere, "
    .. "use delete"
  local what = problems[1] and "proved that it has a good copy" or "a copy"
  local why = problems[1] and (" (%s)"):format(format.several(problems, "; ")) or ""
  return errors.fail("not_enough_copies", sentence:format(what, name.key, why), { key = name.key })
end

---Whether the copy here, or another peer's, was read and found good, and is no older than the one that a peer has. Otherwise, what was
---wrong.
---@return boolean?, string[]|filo.Error
local function has_another(self, name, peer, fields)
  local here, problem = self.names:stat(name)
  if here and here.tombstone and here.version >= fields.version then return keys.deleted(name.key) end
  if here and not here.tombstone and here.version >= fields.version then
    here, problem = self.verifier:check(self.namespace, name.path)
    if here then return true, {} end
  end
  local proved, problems = has_proof(self, name, fields, self.prove:there(peer), peer.id)
  if not here and problem and problem.code ~= "not_found" then table.insert(problems, 1, "here: " .. tostring(problem)) end
  return proved, problems
end

local function explain(peer, key, err)
  if err.code == "unsupported" then
    local sentence = "%s runs an older Filo, which cannot be asked to remove its copy of '%s'"
    return errors.fail("unsupported", sentence:format(tostring(peer), key), { peer = peer.id, key = key })
  end
  return nil, errors.wrap(err, ("%s keeps its copy of '%s'"):format(tostring(peer), key), { peer = peer.id, key = key })
end

---As Node:withdraw.
---@param peer filo.peers.Peer
---@return true?, filo.Error?
function Deleting:withdraw(name, peer)
  local _ <close> = self.removing:take(name.hash)
  self.fetches:wait(name.hash)
  local found, err = self.find:at(peer, name.hash)
  if err then return explain(peer, name.key, err) end
  if not found then return errors.fail("not_found", ("%s has no copy of '%s'"):format(tostring(peer), name.key), { key = name.key }) end
  local fields = found.fields
  if fields.tombstone then return keys.deleted(name.key) end
  local another, problems = has_another(self, name, peer, fields)
  if another == nil then return nil, problems end
  if not another then
    local why = problems[1] and (" (%s)"):format(format.several(problems, "; ")) or ""
    local sentence = "no other good copy of '%s' is known of, so the one at %s stays: it may be the last%s"
    return errors.fail("not_enough_copies", sentence:format(name.key, tostring(peer), why), { key = name.key })
  end
  local question = { namespace = self.namespace, key_hash = name.hash, version = fields.version }
  local ok
  ok, err = retry(self.host, peer.across_takeover, peer, peer.ask, "drop", question)
  if ok then return true end
  return explain(peer, name.key, err)
end

return new
