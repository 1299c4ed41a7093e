---Old versions of an object: those that are kept here, and those that peers say they keep.

local errors = require "filo.base.errors"
local new_locks = require "filo.host.lock"

---Bytes of a record.
local RECORD_MOST = 65740

---@class filo.OldVersion
---@field version integer
---@field fields filo.core.Fields
---@field record string
---@field here? filo.core.Old
---@field holders filo.peers.Peer[]

---@class filo.OldVersions
local OldVersions = {}
OldVersions.__index = OldVersions

---@param given {host: filo.Host, disk: table, peers: filo.Peers, names: filo.Names, kept: filo.KeptVersions, namespace: string}
---@return filo.OldVersions
local function new(given) return setmetatable(given, OldVersions) end

---Adds one to what is known, by version.
local function add(known, fields, record)
  local entry = known[fields.version]
  if not entry then
    entry = { version = fields.version, fields = fields, record = record, holders = {} }
    known[fields.version] = entry
  end
  return entry.record == record and entry or nil
end

---What is kept here.
local function add_here(self, known, name)
  for _, old in ipairs(self.kept:of(self.namespace, name.hash) or {}) do
    local object <close> = self.disk:old_object(old)
    local entry = object and add(known, object:fields(), object:record())
    if entry then entry.here = old end
  end
end

---What a peer says, verified.
local function add_of_peer(self, known, name, peer)
  local answer = peer:across_takeover(peer.ask, "versions", { namespace = self.namespace, key_hash = name.hash })
  for _, record in ipairs(answer and answer.records or {}) do
    local fields, err = self.host.store.parse(record)
    if not fields or fields.namespace ~= self.namespace or fields.key_hash ~= name.hash or fields.tombstone then
      local why = err and tostring(err) or "it is none of that object"
      self.peers.report("warning", peer.id, "bad version", ("%s tells of a bad old version: %s"):format(tostring(peer), why))
      return
    end
    local entry = add(known, fields, record)
    if entry then table.insert(entry.holders, peer) end
  end
end

---Those before the version that counts; none of what was deleted.
---@param name filo.Name
---@return filo.OldVersion[]  the newest first
function OldVersions:list(name)
  local known, tasks, list = {}, {}, {}
  add_here(self, known, name)
  for i, peer in ipairs(self.peers:list()) do
    tasks[i] = self.host.spawn_child(add_of_peer, self, known, name, peer)
  end
  for _, each in ipairs(tasks) do each:join() end
  local counts = self.names:stat(name)
  for version, entry in pairs(known) do
    local is_old = not counts or not counts.tombstone and version < counts.version or version > counts.version
    if is_old and self.names:unseal(entry.record, name) then list[#list + 1] = entry end
  end
  table.sort(list, function(a, b) return a.version > b.version end)
  return list
end

-- Serving -------------------------------------------------------------------------------------------------------------

---Records of what is kept of an object.
local function records_of(given, body)
  local list, bytes, limits = {}, 0, given.host.limits
  for _, old in ipairs(given.kept:of(body.namespace, body.key_hash) or {}) do
    if #list == limits.listed or bytes > limits.listed_bytes - RECORD_MOST then break end
    local object <close> = given.disk:old_object(old)
    if object then
      list[#list + 1] = object:record()
      bytes = bytes + #list[#list]
    end
  end
  return { records = list }
end

---Tells peers from now on. Each is told one thing at a time: files are opened for it.
---@param given {host: filo.Host, disk: table, peers: filo.Peers, kept: filo.KeptVersions}
local function serve(given)
  local turns = new_locks(given.host)
  given.peers:handle("versions", function(body, peer)
    local _ <close> = turns:take(peer.id)
    if peer.gone then return nil, peer.gone end
    return records_of(given, body)
  end)
end

---A version that is kept here, opened for a peer.
---@param given {disk: table, kept: filo.KeptVersions}
---@return filo.core.Object?, filo.Error?
local function open(given, namespace, key_hash, version)
  for _, old in ipairs(given.kept:of(namespace, key_hash) or {}) do
    if old.version == version then return given.disk:old_object(old) end
  end
  return errors.fail("not_found", "that version is not kept here")
end

return { new = new, serve = serve, open = open }
