---Doubt: a node that did not take part in the forgetting of deletions, as it was away, or restored from an older root, cannot tell which of
---its old copies were deleted. They count for nothing, at this node and elsewhere, until members that took part have told that they know
---the object. What none of these knows was deleted, or nobody else has it any more: it goes into the trash.
---
---A member that has any version of an object lets every other version of it stand: a deletion that was forgotten was acknowledged by that
---member, which kept nothing then that was older.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_gate = require "filo.host.gate"
local retry = require "filo.replication.retry"

---What one who is asked knows of an object, a byte for each: nothing; that it is there; or he cannot tell now.
local UNKNOWN, KNOWN, UNSURE = 0, 1, 2

---What is in doubt of a namespace.
---@class filo.InDoubt
---@field horizon integer
---@field passed? boolean  all that lay here was asked about once
---@field pending table<string, filo.CatalogueRow>  by key hash: of which nobody could tell
---@field count integer  of these

---@class filo.Doubt
---@field states table<string, filo.InDoubt>  by namespace, raw
local Doubt = {}
Doubt.__index = Doubt

---Whether a version that lies here may have been deleted, as far as is known: it does not count.
---@param namespace string
---@param key_hash string
---@param version integer
---@return boolean
function Doubt:about(namespace, key_hash, version)
  local horizons = self.horizons
  if not horizons:is_in_doubt(namespace) or version > horizons:known(namespace) then return false end
  local state = self.states[namespace]
  if not state or not state.passed or state.horizon ~= horizons:known(namespace) then return true end
  return state.pending[key_hash] ~= nil
end

---Whether anything that lies here of a namespace may have been.
---@param namespace string
---@return boolean
function Doubt:is_in(namespace) return self.horizons:is_in_doubt(namespace) end

-- Asking ------------------------------------------------------------------------------------------------------------------

---Asks one who took part about some objects.
---@param rows {key_hash: string, version: integer}[]
---@return string? known  a byte for each
local function ask_peer(self, peer, namespace, horizon, rows)
  local key_hashes, versions = {}, {}
  for i, row in ipairs(rows) do key_hashes[i], versions[i] = row.key_hash, (">I8"):pack(row.version) end
  local answer = retry(self.host, peer.across_takeover, peer, peer.ask, "known", {
    namespace = namespace, horizon = horizon, key_hashes = table.concat(key_hashes), versions = table.concat(versions),
  })
  return answer and #answer.known == #rows and answer.known or nil
end

---Who took part in the horizon, and is a member still: this node may not know of all of them yet.
---@return table<string, true>  by the starts of their IDs
local function witnesses_of(self, namespace)
  local named = {}
  for _, start in ipairs(self.horizons:members(namespace)) do named[start] = true end
  for id in pairs(self.forgotten(namespace)) do named[id:sub(1, 16)] = nil end
  named[self.id:sub(1, 16)] = nil
  return named
end

---Those who can tell, and whether what none of them knows is known to nobody: all who may know it are there, and most can tell.
---@return filo.peers.Peer[], boolean
local function witnesses(self, namespace, horizon)
  local list, named, can_tell, all, there = {}, witnesses_of(self, namespace), 0, 1, 1
  for _ in pairs(named) do all = all + 1 end
  for _, peer in ipairs(self.peers:list()) do
    local is_named, is_clear = named[peer.id:sub(1, 16)], self.horizons:pledge_of(peer, namespace) >= horizon
    if is_clear then list[#list + 1] = peer end
    if is_named then there = there + 1 end
    if is_named and is_clear then can_tell = can_tell + 1 end
  end
  return list, there == all and can_tell > 0 and 2 * can_tell >= all
end

---What is known of some objects: UNKNOWN only where that is certain.
---@return integer[]
local function ask_all(self, namespace, horizon, rows)
  local list, certain = witnesses(self, namespace, horizon)
  local known, tasks, answers = {}, {}, {}
  for i, peer in ipairs(list) do
    tasks[i] = self.host.spawn_child(function() answers[i] = ask_peer(self, peer, namespace, horizon, rows) end)
  end
  for _, task in ipairs(tasks) do task:join() end
  for i = 1, #rows do
    local told, sure = UNKNOWN, certain
    for j = 1, #list do
      local byte = answers[j] and answers[j]:byte(i)
      if byte == KNOWN then told = KNOWN end
      sure = sure and byte == UNKNOWN
    end
    known[i] = told == UNKNOWN and not sure and UNSURE or told
  end
  return known
end

---Asks about one object at once. Whether it may have been deleted, still.
---@param namespace string
---@param key_hash string
---@param version integer
---@return boolean
function Doubt:about_now(namespace, key_hash, version)
  if not self:about(namespace, key_hash, version) then return false end
  local horizon = self.horizons:known(namespace)
  return ask_all(self, namespace, horizon, { { key_hash = key_hash, version = version } })[1] ~= KNOWN
end

---Whether something in the trash came there since nobody knew it, and still nobody does.
---@param old filo.core.Old
---@return boolean
function Doubt:is_deleted(old)
  if not self.horizons:may_be_deleted(old.namespace, old.time, old.version) then return false end
  local horizon = self.horizons:known(old.namespace)
  return ask_all(self, old.namespace, horizon, { { key_hash = old.key_hash, version = old.version } })[1] ~= KNOWN
end

-- Clearing ----------------------------------------------------------------------------------------------------------------

---A name of what lies at no node any more is listed no more.
---@return boolean
local function forget_name(self, row)
  local space = self.space_of(row.namespace)
  return not space or space.catalogue:forget(row.key_hash, row.version) ~= nil
end

---What nobody knows goes.
---@return boolean
local function drop(self, row)
  if row.elsewhere then return forget_name(self, row) end
  if not self.horizons:note_dropping(row.namespace) then return false end
  local path = row.path or self.names:path(row.key_hash)
  local ok, err
  if path then ok, err = self.disk:remove(row.namespace, path, row.version, self.trash:keeps()) end
  if ok then self.quotas:lost(row.namespace, path) end
  for _, old in ipairs(ok and self.kept:of(row.namespace, row.key_hash) or {}) do self.disk:forget_old(old) end
  local is_gone = ok or err ~= nil and (err.code == "not_found" or err.code == "exists")
  return is_gone and forget_name(self, row)
end

---@param rows filo.CatalogueRow[]
---@param left table<string, filo.CatalogueRow>  gets those of which nobody could tell
---@return integer left, integer dropped
local function clear(self, namespace, horizon, rows, left)
  local known, count, dropped = ask_all(self, namespace, horizon, rows), 0, 0
  for i, row in ipairs(rows) do
    local goes = known[i] == UNKNOWN and drop(self, row)
    if goes then dropped = dropped + (row.elsewhere and 0 or 1) elseif known[i] ~= KNOWN then left[row.key_hash], count = row, count + 1 end
  end
  return count, dropped
end

---Whether a row is one of what is in doubt.
local function is_old(row, horizon) return not (row.problem or row.tombstone) and row.version <= horizon end

---What is only known by its name, of a namespace that is read here.
---@return fun(): filo.CatalogueRow?
local function names_elsewhere(self, namespace)
  local space = self.space_of(namespace)
  local next_row = space and space.keys:access() ~= "read-one" and space.catalogue:list "" or function() end
  return function()
    for row in next_row do
      local key_hash = row.elsewhere and space.names:hash(row.name)
      if key_hash then return { namespace = namespace, key_hash = key_hash, version = row.version, elsewhere = true } end
    end
  end
end

---All that lies here, or is listed; or of what was asked about before, what nobody could tell of.
---@param state filo.InDoubt
local function rows_of(self, namespace, state)
  if not state.passed then
    local next_file, next_name = self.catalogue:files(namespace), names_elsewhere(self, namespace)
    return function() return next_file() or next_name() end
  end
  local at, list = 0, {}
  for _, row in pairs(state.pending) do list[#list + 1] = row end
  table.sort(list, function(a, b) return a.key_hash < b.key_hash end)
  return function()
    at = at + 1
    while list[at] do
      if list[at].elsewhere then return list[at] end
      local path = list[at].path or self.names:path(list[at].key_hash)
      local here = path and self.disk:stat(namespace, path)
      if here and here.key_hash == list[at].key_hash and here.version == list[at].version then return list[at] end
      at = at + 1
    end
  end
end

---Goes over what is in doubt once.
---@param state filo.InDoubt
---@return integer dropped
local function go_over(self, namespace, state)
  local left, count, dropped, batch = {}, 0, 0, {}
  local function settle()
    local more, gone = clear(self, namespace, state.horizon, batch, left)
    count, dropped, batch = count + more, dropped + gone, {}
  end
  self.catalogue:wait()
  for row in rows_of(self, namespace, state) do
    if is_old(row, state.horizon) then batch[#batch + 1] = row end
    if #batch == self.host.limits.asked then settle() end
  end
  if batch[1] then settle() end
  state.pending, state.count, state.passed = left, count, true
  return dropped
end

local function tell_dropped(self, namespace, dropped)
  if dropped == 0 then return end
  local sentence = "%s of %s went into the trash: deleted while this node was away, or nobody else has them any more"
  self.host.log("warning", sentence:format(format.count(dropped, "old copy", "old copies"), self.host.crypto.hex(namespace):sub(1, 16)))
end

---Clears a namespace as far as that can be done now.
local function look(self, namespace)
  local horizon, state = self.horizons:known(namespace), self.states[namespace]
  if not state or state.horizon ~= horizon then
    state = { horizon = horizon, pending = {}, count = 0 }
    self.states[namespace] = state
  end
  tell_dropped(self, namespace, go_over(self, namespace, state))
  if state.count > 0 or self.catalogue:has_unread(namespace) or self.horizons:known(namespace) ~= horizon then return end
  local ok, err = self.horizons:vouch(namespace, horizon)
  if not ok then return self.host.log("warning", "what was cleared cannot be noted: " .. tostring(err)) end
  self.states[namespace] = nil
  self.cleared()
end

local function run(self)
  while true do
    local any = false
    for _, namespace in ipairs(self.horizons:namespaces()) do
      if self.horizons:is_in_doubt(namespace) then
        local ok, err = errors.try(look, self, namespace)
        if not ok then self.host.log("warning", "old copies could not be cleared: " .. errors.text(err)) end
        any = any or self.horizons:is_in_doubt(namespace)
      end
    end
    self.woken = false
    self.turned:wait_for(function() return self.woken end, any and self.host.limits.doubt or nil)
  end
end

---There is something new: a horizon, or a peer that took part.
function Doubt:wake()
  self.woken = true
  self.turned:wake()
end

---What is in doubt here: of each namespace how many objects nobody could tell of yet; nil: it was not asked about all of them.
---@return {namespace: string, objects: integer?, horizon: integer}[]
function Doubt:status()
  local list = {}
  for _, namespace in ipairs(self.horizons:namespaces()) do
    local state = self.states[namespace]
    if self.horizons:is_in_doubt(namespace) then
      list[#list + 1] = {
        namespace = self.host.crypto.hex(namespace), objects = state and state.passed and state.count or nil,
        horizon = self.horizons:known(namespace) // 1000000,
      }
    end
  end
  return list
end

-- Answering ---------------------------------------------------------------------------------------------------------------

---What is known here of an object.
local function look_up(self, namespace, key_hash, version)
  local path = self.names:path(key_hash)
  local fields, err
  if path then fields, err = self.disk:sealed(namespace, path, 0, true) end
  if not fields and path and (err.code == "not_found" or err.code == "corrupt") then
    return (err.code == "corrupt" or self.healing():of(namespace, key_hash)) and UNSURE or UNKNOWN
  end
  if not fields then return UNSURE end
  if fields.key_hash ~= key_hash then return UNKNOWN end
  if not fields.tombstone then return KNOWN end
  return fields.version > version and UNSURE or UNKNOWN -- who asks will be told of the deletion
end

local function answer(self, body)
  if self.horizons:pledge(body.namespace) < body.horizon then
    return errors.fail("busy", "this node is in doubt of that namespace itself")
  end
  if #body.versions // 8 ~= #body.key_hashes // 32 then
    return errors.fail("protocol", "there are more key hashes than versions, or fewer")
  end
  local list = {}
  for i = 1, #body.key_hashes // 32 do
    local version = (">I8"):unpack(body.versions, 8 * i - 7)
    list[i] = string.char(look_up(self, body.namespace, body.key_hashes:sub(32 * i - 31, 32 * i), version))
  end
  return { known = table.concat(list) }
end

---@param given {host: filo.Host, disk: table, peers: filo.Peers, tasks: filo.Tasks, names: filo.Names, catalogue: filo.Catalogue,
---  horizons: filo.Horizons, trash: filo.Trash, kept: filo.KeptVersions, quotas: filo.Quotas, healing: (fun(): filo.Healing),
---  turns: filo.Turns, readonly: boolean, id: string, forgotten: (fun(namespace: string): table<string, true>),
---  space_of: (fun(namespace: string): table?), cleared: fun()}
---  forgotten: IDs of those who are members no more, for who writes a namespace; space_of: parts of one that this node has keys to;
---  cleared: a namespace is in doubt no more
---@return filo.Doubt
return function(given)
  local self = setmetatable(given, Doubt)
  self.states, self.turned = {}, new_gate(given.host)
  given.peers:handle("known", function(body, peer) return self.turns:serve(peer, answer, self, body) end)
  if not self.readonly then self.tasks:spawn(run, self) end
  return self
end
