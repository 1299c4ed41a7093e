---Healing: a copy that was found bad here is fetched anew from other holders, also of a namespace that this node cannot read, and is called
---repaired once another was received, verified and published. What cannot be had is listed, with the reason and the next try, after pauses
---that grow. What is listed lies in `bad` in the root, where a later process finds it again.

local bring = require "filo.replication.bring"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"

---A copy that is not good here, and of which another is wanted.
---@class filo.Wanted
---@field namespace string  32 bytes
---@field key_hash string
---@field version integer  one that is no older will do
---@field path string
---@field key? string  what its owner calls it, where that is known
---@field stays? boolean  it lies in its place and cannot be read: that may pass
---@field replaceable? boolean  the same, but not twice: then another may take its place
---@field since integer  when it was found, in seconds since 1970
---@field tries integer
---@field problem string  what is wrong with it or, once it was tried, why there is no other
---@field due number  when it is tried next, on host.now
---@field busy? boolean

---@class filo.Healing
---@field list filo.Wanted[]
---@field healed integer  so many were, since the node has started
---@field more? boolean  there are others in `bad`, for which the list has no room now
---@field later? filo.Task  `bad` could not be read, and is looked at again
local Healing = {}
Healing.__index = Healing

local function id_of(namespace, key_hash) return namespace .. key_hash end

---The first that is to be tried now; else how long until one is.
---@return filo.Wanted?, number? seconds
local function next_due(self)
  local now, earliest = self.host.now(), nil
  for _, each in ipairs(self.list) do
    if not each.busy and each.due <= now then return each end
    if not each.busy then earliest = math.min(earliest or each.due, each.due) end
  end
  return nil, earliest and earliest - now
end

local function drop(self, wanted)
  for i, each in ipairs(self.list) do
    if each == wanted then
      table.remove(self.list, i)
      break
    end
  end
  self.of_id[id_of(wanted.namespace, wanted.key_hash)] = nil
end

-- Trying ------------------------------------------------------------------------------------------------------------------

---Whether a good one, or a newer version, is here by now: one that was hashed when it was published, or is now.
---@return boolean?
local function is_here(self, wanted)
  local there, _, _, verified = self.disk:sealed(wanted.namespace, wanted.path, 0)
  if not there or there.key_hash ~= wanted.key_hash or there.version < wanted.version then return false end
  return verified and not wanted.stays or self.verifier:check(wanted.namespace, wanted.path)
end

---@return true?, filo.Error?
local function heal(self, wanted)
  if is_here(self, wanted) then return true end
  if wanted.stays and (wanted.tries == 0 or not wanted.replaceable) then return nil, errors.new("io", wanted.problem) end
  local space = self.space_of(wanted.namespace)
  local name = { hash = wanted.key_hash, path = wanted.path, key = wanted.key or self.host.crypto.hex(wanted.key_hash):sub(1, 16) }
  local found, err = bring.find(space, name, wanted.version)
  if not found then return nil, err end
  if wanted.stays then -- only now that another is to be had
    self.disk:set_aside(wanted.namespace, wanted.path, wanted.key_hash, wanted.version)
    wanted.stays = nil
  end
  local ok
  ok, err = bring.take(self.disk, space, found, name)
  if not ok and err.code ~= "exists" then return nil, err end
  return is_here(self, wanted) or nil, err or errors.new("busy", "what is here has just changed")
end

local function pause_of(self, wanted)
  local limits = self.host.limits
  local pause = math.min(limits.heal_again * 2 ^ (wanted.tries - 1), limits.heal_again_most)
  return pause * (0.5 + self.host.random(1):byte() / 256)
end

local function try(self, wanted)
  wanted.busy = true
  local began = self.host.now()
  local called, ok, err = errors.try(heal, self, wanted)
  wanted.busy, wanted.tries = nil, wanted.tries + 1
  if called and ok then
    drop(self, wanted)
    self.healed = self.healed + 1
    self.host.log("info", ("a copy that was bad here is good again, of version %d"):format(wanted.version))
  else
    wanted.problem = tostring(called and err or ok)
    wanted.due = self.host.now() + pause_of(self, wanted)
  end
  self.tried:wake()
  self.host.sleep((self.host.now() - began) * self.host.limits.heal_share)
end

---Looks again in a while: the disk may give errors for a moment only.
local function look_later(self)
  if self.later then return end
  self.later = self.tasks:spawn(function()
    self.host.sleep(self.host.limits.heal_again)
    self.later = nil
    self:look()
  end)
end

---Takes those from `bad` that are not listed, while there is room.
local function load(self)
  local most = self.host.limits.healing
  local list = self.disk:bad_copies(2 * most)
  self.more = list and #list == 2 * most
  if not list then look_later(self) end
  for _, each in ipairs(list or {}) do self:add(each) end
end

local function work(self)
  while true do
    local wanted, seconds = next_due(self)
    if wanted then try(self, wanted) end
    if self.more and #self.list < self.host.limits.healing // 2 then load(self) end
    if not wanted then self.changed:wait(seconds) end
  end
end

-- What others ask ---------------------------------------------------------------------------------------------------------

---@param given {host: filo.Host, disk: table, names: filo.Names, verifier: filo.Verifier, tasks: filo.Tasks,
---  space_of: fun(namespace: string): filo.BringSpace}
---@return filo.Healing
local function new(given)
  local self = setmetatable({ list = {}, of_id = {}, healed = 0, changed = new_gate(given.host), tried = new_gate(given.host) }, Healing)
  for name, value in pairs(given) do self[name] = value end
  return self
end

---From now on.
function Healing:start()
  self.tasks:spawn(function()
    load(self)
    for _ = 2, self.host.limits.heals do self.tasks:spawn(work, self) end
    work(self)
  end)
end

---A copy was found bad. What is known of one that is listed already is brought up to date.
---@param given {namespace: string, key_hash: string, version: integer, path?: string, key?: string, stays?: boolean, replaceable?: boolean,
---  problem?: string}
function Healing:add(given)
  local id = id_of(given.namespace, given.key_hash)
  local known = self.of_id[id]
  if known then
    known.version, known.stays = math.max(known.version, given.version), given.stays
    return
  end
  if #self.list >= self.host.limits.healing then
    self.more = true
    return
  end
  local path = given.path or self.names:path(given.key_hash)
  if not path then return end
  local wanted = {
    namespace = given.namespace, key_hash = given.key_hash, version = given.version, path = path, key = given.key, stays = given.stays,
    replaceable = given.replaceable, since = self.host.time() // 1000000, tries = 0, problem = given.problem or "it was found bad",
    due = self.host.now() + self.host.limits.heal,
  }
  self.of_id[id], self.list[#self.list + 1] = wanted, wanted
  self.changed:wake()
end

---What lies in `bad` may be more than what is listed.
function Healing:look()
  self.more = true
  self.changed:wake()
end

---A peer has come, which may have what is wanted: it is tried soon, unless it was just tried.
function Healing:meet()
  local soon = self.host.now() + self.host.limits.heal_again
  for _, each in ipairs(self.list) do each.due = math.min(each.due, soon) end
  self.changed:wake()
end

---Tries those now that were not tried yet, or all, and waits for that.
---@param all? boolean
function Healing:settle(all)
  local now, tries = self.host.now(), {}
  for _, each in ipairs(self.list) do
    if all or each.tries == 0 then each.due, tries[each] = math.min(each.due, now), each.tries end
  end
  self.changed:wake()
  self.tried:wait_for(function()
    for _, each in ipairs(self.list) do
      if tries[each] == each.tries then return false end
    end
    return true
  end)
end

---@return filo.Wanted?
function Healing:of(namespace, key_hash) return self.of_id[id_of(namespace, key_hash)] end

---What a wanted copy is, for people and programs.
---@class filo.WantedCopy
---@field owner string  namespace, 64 hex digits
---@field key? string
---@field key_hash string  64 hex digits
---@field version integer
---@field since integer  seconds since 1970
---@field tries integer
---@field problem string
---@field next number  seconds until the next try

---@param wanted filo.Wanted
---@return filo.WantedCopy
function Healing:describe(wanted)
  local hex = self.host.crypto.hex
  return {
    owner = hex(wanted.namespace), key = wanted.key, key_hash = hex(wanted.key_hash), version = wanted.version, since = wanted.since,
    tries = wanted.tries, problem = wanted.problem, next = wanted.busy and 0 or math.max(0, wanted.due - self.host.now()),
  }
end

---@param most integer
---@return integer count  of all
---@return filo.WantedCopy[] list  the first of them
function Healing:status(most)
  local list = {}
  for i = 1, math.min(most, #self.list) do list[i] = self:describe(self.list[i]) end
  return #self.list, list
end

return new
