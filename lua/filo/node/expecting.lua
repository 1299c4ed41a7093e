---Compare and set: whether the newest version of an object that is known is the one that a script expects. The node whose own namespace it
---is decides that: there all that is written on a condition passes the same lock.

local errors = require "filo.base.errors"

---@class filo.Expecting
local Expecting = {}
Expecting.__index = Expecting

---@param given {names: filo.Names, find: filo.Find, catalogue: filo.Catalogue, settle: fun(), shared: (fun(): boolean), own: boolean,
---  id: string, has_read: fun(peer: string): boolean}  settle: waits for what peers that have just come know of keys; shared: whether other
---  nodes may write the namespace, too; id: of the namespace; has_read: whether all that a peer lists was read
---@return filo.Expecting
local function new(given) return setmetatable(given, Expecting) end

---Whether it is for this node to decide.
---@return true?, filo.Error?
function Expecting:decides()
  if self.own then return true end
  local sentence = "only the owner of the namespace %s decides which version of an object is the newest: ask there"
  return errors.fail("unsupported", sentence:format(self.id:sub(1, 16)))
end

---@class filo.Asked
---@field record? string  the newest that peers have
---@field fields? filo.core.Fields  of it
---@field doubtful boolean  nothing lies here, and a peer may have what it has not told of

---What peers have, where that may be newer than what lies here. Before the lock on the name, since it takes a while.
---@param name filo.Name
---@return filo.Asked
function Expecting:ask(name)
  self.settle()
  self.catalogue:wait()
  local here = self.names:stat(name)
  if here and not self.shared() then return { doubtful = false } end
  local found, _, unheard = self.find:newest(name, nil, nil, here ~= nil)
  local doubtful = false
  for _, id in ipairs(found and found.unheard or unheard) do doubtful = doubtful or not here and not self.has_read(id) end
  return { record = found and found.record, fields = found and found.fields, doubtful = doubtful }
end

---The newest of what is known: what lies here, what peers told, and what lies at peers as the catalogue has it.
---@param there? filo.core.Fields
---@return {version: integer, tombstone?: boolean}?, filo.Error?
local function newest_of(self, name, there)
  local newest, err = self.names:stat(name)
  if not newest and err.code ~= "not_found" and not (err.code == "corrupt" and there) then return nil, err end
  if there and not (newest and newest.version >= there.version) then newest = there end
  local listed = self.catalogue:elsewhere(name.key)
  if listed and not (newest and newest.version >= listed.version) then newest = listed end
  return newest
end

local SENTENCES = { there = "'%s' is there already", changed = "'%s' has changed", gone = "'%s' is gone" }

---`nil, err`: another version is there, or none.
---@param expected integer|false
---@param version? integer
local function refuse(name, expected, version)
  local what = not version and "gone" or expected and "changed" or "there"
  return errors.fail("exists", SENTENCES[what]:format(name.key), { key = name.key, version = version })
end

---@param newest? {version: integer, tombstone?: boolean}
---@return integer?
local function version_of(newest) return newest and not newest.tombstone and newest.version or nil end

---Whether what is to be done will be in vain, as far as can be told already: peers are asked only where one may have written what is there.
---@param name filo.Name
---@param expected integer|false
---@return true?, filo.Error?
function Expecting:foresee(name, expected)
  local ok, err = self:decides()
  if not ok then return nil, err end
  local asked = self.shared() and self:ask(name)
  local newest = newest_of(self, name, asked and asked.fields)
  local version = version_of(newest)
  if not newest or version == (expected or nil) then return true end
  return refuse(name, expected, version)
end

---Whether a version is the newest that is known. The lock on the name is the caller's.
---@param name filo.Name
---@param expected integer|false  false: there is none
---@param asked filo.Asked
---@return integer? newest  0: nothing is known, not even a deletion
---@return filo.Error?
function Expecting:decide(name, expected, asked)
  local newest, err = newest_of(self, name, asked.fields)
  if err then return nil, err end
  local version = version_of(newest)
  if version ~= (expected or nil) and (version or not asked.doubtful) then return refuse(name, expected, version) end
  if not asked.doubtful then return newest and newest.version or 0 end
  local sentence = "'%s' is not here, and peers that are connected did not tell in time whether they have it"
  return errors.fail("unreachable", sentence:format(name.key), { key = name.key })
end

return new
