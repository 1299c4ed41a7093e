---Surplus: the copy here is one too many, as after a member has come back for which this node stood in, or it is of an older version than
---those have who should have one. It goes once each of these has proved its own, or says that it has the newer one. What comes back after
---that stays for a day: somebody counts otherwise, as one does who is cut off from a member that others see, and copies would be made and
---dropped for ever.

local errors = require "filo.base.errors"

---@class filo.Surplus
---@field dropped table<string, number>  by namespace and key hash: when the copy here was
---@field dropped_count integer
local Surplus = {}
Surplus.__index = Surplus

---Who should have a copy and says so; nil: this node is one of them, or somebody who should be is not sure to be.
---@param item filo.Tended
---@return string[]?
local function keepers_of(self, item)
  local plan, keepers = item.plan, {}
  local versions = {}
  for _, holder in ipairs(item.holders) do versions[holder.node] = not holder.deleted and holder.version or nil end
  for i = 0, #plan.held do
    local id = i == 0 and plan.home or plan.held[i]
    local is_sure = id ~= self.id and item.asked[id] and versions[id] == item.row.version and self.peers:get(id)
    if not is_sure then return nil end
    keepers[#keepers + 1] = id
  end
  return keepers
end

---For how many seconds those who should have a copy are still to show that they stay: as long as one that is away is waited for.
---@param keepers string[]
---@return number
local function unsettled(self, item, keepers)
  local view, left = item.shared.view, 0
  if view:member(self.id).state == "draining" then return 0 end
  for _, id in ipairs(keepers) do left = math.max(left, item.shared.grace - view:member(id).since) end
  return left
end

---Who they are, if there are as many as there should be.
---@return string[]?
local function met_by(self, item)
  local plan = item.plan
  local is_met = plan and plan.full and plan.enough and not (plan.make[1] or plan.away[1])
  return is_met and keepers_of(self, item) or nil
end

---Whether the copy here was dropped not long ago, and somebody has sent it again.
local function came_back(self, item)
  local when = self.dropped[item.row.namespace .. item.row.key_hash]
  return when ~= nil and self.host.now() - when < self.host.limits.dropped
end

---So many are remembered.
local MOST = 65536

local function note_dropped(self, row)
  if self.dropped_count == MOST then self.dropped, self.dropped_count = {}, 0 end
  self.dropped[row.namespace .. row.key_hash], self.dropped_count = self.host.now(), self.dropped_count + 1
end

---Whether the copy here is one too many, and who the others are.
---@param item filo.Tended  that was looked at
---@return string[]? keepers, number? left  seconds until it may go
function Surplus:check(item)
  if item.row.tombstone or item.shared.has_keys or item.outdated or item.gone or item.reason then return nil end
  local keepers = not came_back(self, item) and met_by(self, item)
  if not keepers then return nil end
  return keepers, unsettled(self, item, keepers)
end

---Whether all who should have a copy, without this node, say that they do.
---@param item filo.Tended  that was looked at
---@return boolean
function Surplus:has_keepers(item) return met_by(self, item) ~= nil end

---Whether all of these prove that their copies are good.
---@param keepers string[]
---@return true?, filo.Error?
local function have_proved(self, row, keepers)
  local path, err = self.names:path(row.key_hash)
  if not path then return nil, err end
  local name = { hash = row.key_hash, path = path }
  local prove = self.prove_of(row.namespace)
  for _, id in ipairs(keepers) do
    local ok
    ok, err = prove:at(name, { node = id, version = row.version, size = row.size }, prove:here(name))
    if not ok then return nil, err end
  end
  return true
end

local function are_there(self, keepers)
  for _, id in ipairs(keepers) do
    if not self.peers:get(id) then return errors.fail("unreachable", "one that should have a copy has just gone") end
  end
  return true
end

---Drops the copy here, once all of these have proved theirs. One of an older version goes without: it was given up when theirs was stored.
---@param item filo.Tended
---@param keepers string[]
---@return true?, filo.Error?
function Surplus:drop(item, keepers)
  local row = (item.older or item).row
  if self.vouching:has_vouched(row.namespace, row.key_hash) then
    return errors.fail("busy", "another node relies on the copy here for now")
  end
  local _ <close> = self.vouching:go(row.namespace, row.key_hash)
  local ok, err = true, nil
  if not item.older then ok, err = have_proved(self, row, keepers) end
  if ok then ok, err = are_there(self, keepers) end
  if ok then ok, err = self.removal(row.namespace, row.key_hash, row.version) end
  if not ok then return nil, err end
  if not item.older then note_dropped(self, row) end
  self.hooks:announce("dropped", { namespace = row.namespace, key_hash = row.key_hash, version = row.version, size = row.size })
  return true
end

---@param given {host: filo.Host, peers: filo.Peers, names: filo.Names, hooks: filo.Hooks, removal: filo.Removal,
---  vouching: filo.Vouching, id: string, prove_of: fun(namespace: string): filo.Prove}
---@return filo.Surplus
return function(given)
  given.dropped, given.dropped_count = {}, 0
  return setmetatable(given, Surplus)
end
