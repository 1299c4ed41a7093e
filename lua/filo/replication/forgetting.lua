---Forgetting deletions. Of those who write a namespace the one with the lowest node ID leads. Now and then, when all members are connected,
---it chooses a horizon, some time ago, and
---
---1. has all of them begin: from then on nobody takes anything of a version up to the horizon, until this is over, and who writes the
---   namespace makes later versions only;
---2. reads all deletions up to it, its own and those of each of them, and makes sure that each holds nothing older than any of these;
---3. has all acknowledge that: each keeps durably that it vouches for what it has up to the horizon (peers/horizons.lua);
---4. signs the horizon, and spreads it. Who took part removes the deletions up to it; who did not is in doubt (doubt.lua).
---
---Whatever is cut off in between leaves deletions where they are; what some have pledged by then is true all the same.

local errors = require "filo.base.errors"
local forget = require "filo.replication.horizon_run"
local new_gate = require "filo.host.gate"

---@class filo.Forgetting
---@field problems table<string, string>  by namespace: why deletions could not be forgotten the last time
local Forgetting = {}
Forgetting.__index = Forgetting

local PAIR = ">c32I8" -- key hash, version

-- Taking part -------------------------------------------------------------------------------------------------------------

---Whether this node knows of anybody who has to take part, and is not named.
---@param members string  raw IDs
---@return true?, filo.Error?
local function check_members(self, namespace, members)
  local named = {}
  if not self.written(namespace) then return true end -- he decides who is one
  for at = 1, #members, 32 do named[self.host.crypto.hex(members:sub(at, at + 31))] = true end
  local others = self:others_of(namespace)
  if not others then return errors.fail("busy", "who has copies cannot be read") end
  for _, id in ipairs(others) do
    if not named[id] then return errors.fail("busy", "it knows of somebody who would have to take part, too") end
  end
  return true
end

local steps = {}

---The clocks of all count: a horizon is not later than any of them.
function steps.ask(self, body) return { time = self.host.time(), settled = self:has_settled(body.namespace) } end

function steps.begin(self, body, peer)
  local namespace, horizon, horizons = body.namespace, body.horizon, self.horizons
  if horizons:is_in_doubt(namespace) or horizons:known(namespace) ~= (body.known or 0) then
    return errors.fail("busy", "it is in doubt, or knows another horizon")
  end
  if horizon < horizons:pledge(namespace) or horizon > self.host.time() then
    return errors.fail("busy", "by its clock that is no horizon")
  end
  local now = self.intake:preparing(namespace)
  if now and now.leader ~= peer then return errors.fail("busy", "another horizon is being prepared") end
  local ok, err = check_members(self, namespace, body.members or "")
  if not ok then return nil, err end
  local space = self.written(namespace)
  if space then space.versions:pass(horizon) end
  ok, err = self.intake:freeze(namespace, horizon, peer)
  if not ok then return nil, err end
  return {}
end

function steps.acknowledge(self, body, peer)
  local now = self.intake:preparing(body.namespace)
  if not now or now.leader ~= peer or now.horizon ~= body.horizon then return errors.fail("busy", "that is not being prepared any more") end
  local ok, err = self.horizons:vouch(body.namespace, body.horizon)
  self.intake:thaw(body.namespace, peer)
  if ok then return {} end
  self.host.log("warning", "that deletions may be forgotten cannot be noted: " .. tostring(err))
  return errors.fail("io", "it cannot be noted")
end

steps["end"] = function(self, body, peer)
  self.intake:thaw(body.namespace, peer)
  return {}
end

---The next deletions here up to a horizon.
local function buried(self, body)
  local list, after = {}, body.after
  for row in self.catalogue:tombstones_after(body.namespace, body.after) do
    if row.problem and row.problem ~= "corrupt" then return errors.fail("busy", "not all can be read") end
    if not row.problem and row.version <= body.horizon then list[#list + 1] = PAIR:pack(row.key_hash, row.version) end
    after = row.id or after
    if #list == self.host.limits.buried then break end
  end
  if not list[1] and self.catalogue:has_unread(body.namespace) then return errors.fail("busy", "not all can be read") end
  return { buried = table.concat(list), after = after }
end

---Does so for all namespaces that this node writes. Whether all went well.
---@return boolean
local function forget_all(self)
  local well = true
  for _, space in ipairs(self.spaces()) do
    local called, ok, err = errors.try(forget, self, space)
    local problem = not called and ok or err
    if problem and not ok or not called then
      well = false
      self.problems[space.namespace] = errors.text(problem)
    else
      self.problems[space.namespace] = nil
    end
  end
  return well
end

local function run(self)
  local limits = self.host.limits
  self.host.sleep(limits.forget_again)
  while true do
    self.host.sleep(forget_all(self) and limits.forget or limits.forget_again)
  end
end

-- Sweeping ----------------------------------------------------------------------------------------------------------------

---The deletions of a namespace up to its horizon go.
local function sweep(self, namespace)
  local horizon, host = self.horizons:known(namespace), self.host
  self.catalogue:wait()
  for row in self.catalogue:tombstones(namespace) do
    local path = not row.problem and row.version <= horizon and (row.path or self.names:path(row.key_hash))
    if path then
      local began = host.now()
      local ok, err = self.disk:remove(namespace, path, row.version)
      if ok then self.quotas:lost(namespace, path) end
      if not ok and err.code ~= "not_found" and err.code ~= "exists" then error(err, 0) end
      host.sleep((host.now() - began) * host.limits.repair_share)
    end
  end
  self.horizons:note_swept(namespace, horizon)
end

local function needs_sweep(self, namespace)
  return not self.horizons:is_in_doubt(namespace) and self.horizons:known(namespace) > 0
    and self.horizons:swept(namespace) < self.horizons:known(namespace)
end

local function run_sweeps(self)
  while true do
    local failed = false
    for _, namespace in ipairs(self.horizons:namespaces()) do
      if needs_sweep(self, namespace) then
        local ok, err = errors.try(sweep, self, namespace)
        if not ok then self.host.log("warning", "old deletions could not be removed: " .. errors.text(err)) end
        failed = failed or not ok
      end
    end
    self.woken = false
    self.turned:wait_for(function() return self.woken end, failed and self.host.limits.forget_again or nil)
  end
end

---A horizon has come.
function Forgetting:wake()
  self.woken = true
  self.turned:wake()
end

---Whether there is a deletion here that may be forgotten, by the clock of this node.
---@param namespace string
---@return boolean
function Forgetting:has_settled(namespace)
  local settled = self.host.time() - math.floor(self.host.limits.forget_settle * 1000000)
  for row in self.catalogue:tombstones(namespace) do
    if not row.problem and row.version <= settled then return true end
  end
  return false
end

---The IDs of all who have to take part, but for this node: members, and who else is noted to have copies of what this node writes.
---@param namespace string
---@return string[]?
function Forgetting:others_of(namespace)
  local list, seen = {}, { [self.id] = true }
  for _, entry in ipairs(self.members()) do
    list[#list + 1], seen[entry.id] = entry.id, true
  end
  if not self.written(namespace) then return list end
  if not self.holders:check() then return nil end
  for _, id in ipairs(self.holders:others(seen)) do list[#list + 1] = id end
  return list
end

---@param given {host: filo.Host, disk: table, peers: filo.Peers, tasks: filo.Tasks, names: filo.Names, catalogue: filo.Catalogue,
---  horizons: filo.Horizons, intake: filo.Intake, holders: filo.Holders, quotas: filo.Quotas, beliefs: filo.Beliefs, id: string,
---  raw_id: string,
---  turns: filo.Turns, members: (fun(): filo.RosterEntry[]), is_member: (fun(peer: filo.peers.Peer): boolean),
---  written: (fun(namespace: string): table?), spaces: (fun(): table[]), readonly: boolean}
---  written: parts of a namespace, if this node writes it; spaces: those of all that it does
---@return filo.Forgetting
return function(given)
  local self = setmetatable(given, Forgetting)
  self.problems, self.turned = {}, new_gate(given.host)
  given.peers:handle("forget", function(body, peer)
    if not peer.namespaces[body.namespace] then
      return errors.fail("denied", "only who writes a namespace may have its deletions forgotten")
    end
    return steps[body.step](self, body, peer)
  end)
  given.peers:handle("buried", function(body, peer)
    if not peer.namespaces[body.namespace] then return errors.fail("denied", "only who writes a namespace may know that") end
    return self.turns:serve(peer, buried, self, body)
  end)
  if self.readonly then return self end
  self.tasks:spawn(run, self)
  self.tasks:spawn(run_sweeps, self)
  return self
end
