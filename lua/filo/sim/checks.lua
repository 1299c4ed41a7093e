---Checkers: what a simulated world must hold to. A violation has the name of the promise that was broken. What is not promised yet is
---counted under the name of what it waits for.

local format = require "filo.base.format"
local runtime = require "filo.core.runtime"
local sizes = require "filo.sim.sizes"
local task = require "filo.host.task"
local workload = require "filo.sim.workload"

---@class filo.sim.Violation
---@field check string
---@field subject? string  the object concerned
---@field at number  seconds
---@field text string
---@field line? integer  of the trace, when that is kept

---@class filo.sim.Checks
---@field violations filo.sim.Violation[]
---@field waiting table<string, integer>  what is not promised yet, and how often that showed
---@field passed table<string, integer>  how often each promise was looked at and held
local Checks = {}
Checks.__index = Checks

---The promises, and what each says.
local PROMISES = {
  content = "what is read is what was stored",
  deleted = "what was deleted stays deleted",
  newest = "the newest version is read",
  readable = "what was acknowledged can be read while a good copy is left",
  whole = "nothing half done is seen",
  ends = "nothing hangs",
  sealed = "nothing leaves a node in clear",
  tombstones = "connected peers learn of deletions",
  evict = "a copy goes only when another has proved itself",
  listed = "what is here and at connected peers is listed, and nothing that was deleted",
  replicate = "node:replicate makes the copies that the policy asks for",
  keys = "once keys were changed, all that is here has the new ones",
  quiet = "tasks, timers and tables do not grow",
}

---What waits for a part of Filo that is still to come.
local WAITING = {
  repair = "copies that are missing are made again",
  proof = "a copy counts only when it has proved itself",
  recover = "what an owner stores is newer than all that it has forgotten",
  stale = "an older version is not read while the newest is out of reach, or slow to come",
}

local MOST_SECONDS = 1800

---@param world filo.sim.World
---@return filo.sim.Checks
local function new(world) return setmetatable({ world = world, violations = {}, waiting = {}, passed = {}, hangs = {} }, Checks) end

---@param check string
function Checks:pass(check) self.passed[check] = (self.passed[check] or 0) + 1 end

---@param name string
function Checks:wait_for(name) self.waiting[name] = (self.waiting[name] or 0) + 1 end

---@param check string
---@param entry filo.sim.Entry?
function Checks:violate(check, entry, text, ...)
  text = text:format(...)
  local trace = self.world.trace
  trace:tell(entry and entry.owner.name, entry and entry.subject, ("VIOLATION of '%s': %s"):format(PROMISES[check], text))
  local line = trace.lines and #trace.lines
  table.insert(self.violations, { check = check, subject = entry and entry.subject, at = runtime.now(), text = text, line = line })
end

---A version of an object is not where it should be: a violation, unless the owner may have forgotten that version.
function Checks:miss(check, entry, text, ...)
  if entry.excuse then return self:wait_for(entry.excuse) end
  self:violate(check, entry, text, ...)
end

-- While things happen -------------------------------------------------------------------------------------------------

---Whether the newest acknowledged version lies at the owner, or at a machine that the owner has been connected to since then, with no fault
---of either.
local function is_in_reach(world, entry, since)
  local owner, version = entry.owner, entry.operations[1].version
  for _, holder in ipairs(world.atlas:holders(entry.namespace, entry.path, version)) do
    if owner:was_calm(since) and holder:was_calm(since) then
      if holder == owner then return true end
      for _, connection in ipairs(owner:connections_with(holder)) do
        if connection.since < since then return true end
      end
    end
  end
  return false
end

---Whether what began then may come upon something older: the newest is out of reach, or the owner has an older one, which it had kept when
---the newest was, or which came from a backup. newest: it asks for more than the owner has.
local function may_be_stale(world, entry, since, newest)
  local version = entry.operations[1] and entry.operations[1].version
  if not version then return false end
  local own = not newest and entry.owner.disk:file(entry.namespace, entry.path)
  return own and own.intact and own.fields.version < version or not is_in_reach(world, entry, since)
end

local OLD = { back = "deleted", old = "newest" }

---An object was read: content, or why there is none.
---@param since number  when it began
---@param newest boolean  peers were asked, too
function Checks:read(entry, since, newest, content, err)
  local world = self.world
  local number = content and world.ledger:number_of(entry, content)
  if content and not number then return self:violate("content", entry, "%s: these bytes are nobody's", entry.subject) end
  if not content and not (err.code == "not_found" and not err.retryable) then return end
  local ok, problem = world.ledger:judge(entry, number)
  if ok then return self:pass "content" end
  if may_be_stale(world, entry, since, newest) then return problem ~= "lost" and self:wait_for "stale" or nil end
  if problem == "lost" then return self:miss("readable", entry, "%s: %s", entry.subject, tostring(err)) end
  local what = problem == "back" and "deleted" or "replaced"
  self:miss(OLD[problem], entry, "%s: #%d was read, which had been %s", entry.subject, number, what)
end

---An owner has removed its own copy of a version.
function Checks:evicted(entry, version)
  if #self.world.atlas:holders(entry.namespace, entry.path, version) > 0 then return self:pass "evict" end
  self:violate("evict", entry, "%s: the copy at %s was evicted, and no other is good", entry.subject, entry.owner.name)
end

---Bytes are on their way from one machine to another.
function Checks:spy(bytes)
  if bytes:find(self.world.ledger.SECRET, 1, true) then self:violate("sealed", nil, "a message has what was stored in it, in clear") end
end

---Nothing takes longer than it may.
function Checks:look_for_hangs()
  local now = runtime.now()
  for _, each in ipairs(self.world:under_way()) do
    if now - each.since > MOST_SECONDS and not self.hangs[each] then
      self.hangs[each] = true
      self:violate("ends", nil, "%s of %s takes longer than %d s", each.kind, each.subject, MOST_SECONDS)
    end
  end
  self:pass "ends"
end

-- When all is quiet ---------------------------------------------------------------------------------------------------

---Every file is whole, unless it was damaged.
function Checks:look_at_disks()
  for _, machine in ipairs(self.world.machines) do
    for _, each in ipairs(machine.disk:list()) do
      local file = machine.disk:file(each.namespace, each.path)
      local size = 0
      for _, chunk in ipairs(file.chunks) do size = size + #chunk end
      local entry = self.world.ledger:at(each.namespace, each.path)
      if size ~= file.fields.size then self:violate("whole", entry, "a part of an object at %s", machine.name) end
    end
  end
  self:pass "whole"
end

---An object is read by its owner.
local function read_by_owner(self, entry)
  local world, run, since = self.world, entry.owner.run, runtime.now()
  if not run or not run.node then return self:violate("readable", entry, "%s: its owner does not run", entry.subject) end
  local content, err = task.timeout(MOST_SECONDS, workload.read, run.node, entry.key, true)
  world.trace:tell(entry.owner.name, entry.subject, ("read: %s"):format(content and #content .. " bytes" or tostring(err)))
  local first = entry.operations[1]
  local stored = first and first.acknowledged and first.kind == "put"
  if stored and not content and #world.atlas:holders(entry.namespace, entry.path, first.version) == 0 then
    return self:miss("readable", entry, "%s: no good copy is left anywhere", entry.subject)
  end
  if stored and not content and not world.ledger:judge(entry) then
    if may_be_stale(world, entry, since, true) then return self:wait_for "stale" end
    return self:miss("readable", entry, "%s: %s", entry.subject, tostring(err))
  end
  self:pass "readable"
  self:read(entry, since, true, content, err)
end

---Whether a peer may have refused a deletion, and was not told again since: neither it nor the owner was started again.
local function may_have_refused(entry, machine)
  local refused = machine.refused_until or -1
  return machine.run.since <= refused and entry.owner.run.since <= refused
end

---Peers that are connected to the owner of what was deleted have no copy of it. An owner whose own tombstone has rotted or is gone cannot
---tell them before it looks; then it may have found an older one.
local function look_for_copies_of_deleted(self, entry)
  local first = entry.operations[1]
  if #entry.operations ~= 1 or first.kind ~= "delete" or not first.acknowledged then return end
  local own = entry.owner.disk:file(entry.namespace, entry.path)
  if not own or not own.intact or own.fields.version < first.version then return self:wait_for "repair" end
  for _, machine in ipairs(self.world.machines) do
    local file = #entry.owner:connections_with(machine) > 0 and machine.disk:file(entry.namespace, entry.path)
    if file and not file.unreadable and not file.fields.tombstone and file.fields.version < first.version then
      if may_have_refused(entry, machine) then return self:wait_for "repair" end
      return self:miss("tombstones", entry, "%s was deleted, and %s still has a copy", entry.subject, machine.name)
    end
  end
  self:pass "tombstones"
end

---What an owner lists is what it has stored and not deleted, as far as it or a peer has that version. A peer was asked by now.
---@param lists table<filo.sim.Machine, table<string, filo.KeyItem>>
local function look_for_name(self, entry, lists)
  local first, list = entry.operations[1], lists[entry.owner]
  if #entry.operations ~= 1 or not first.acknowledged or not list then return end
  local item, own = list[entry.key], entry.owner.disk:file(entry.namespace, entry.path)
  if first.kind == "put" and is_in_reach(self.world, entry, runtime.now() - 2 * self.world.limits.follow) then
    if item and item.version >= first.version then return self:pass "listed" end
    return self:miss("listed", entry, "%s: %s lists %s", entry.subject, entry.owner.name, item and "an older version" or "nothing")
  elseif first.kind == "delete" and own and own.intact and own.fields.tombstone then
    if not item then return self:pass "listed" end
    return self:miss("listed", entry, "%s was deleted, and %s lists it", entry.subject, entry.owner.name)
  end
end

---What each node lists, by key.
local function list_all(self)
  local lists = {}
  for _, machine in ipairs(self.world.machines) do
    local node, list = machine.run and machine.run.node, {}
    for item in node and node:keys() or function() end do list[item.key] = item end
    lists[machine] = node and list
  end
  return lists
end

---Whether the policy itself, at a peer, is why copies are missing.
local function was_refused(receipt)
  for _, each in ipairs(receipt and receipt.refused or {}) do
    if each.reason:find("refused: ", 1, true) then return true end
  end
  return false
end

---The copies that are there, and those that are missing; then they are made.
local function make_copies(self, entry)
  local run, first = entry.owner.run, entry.operations[1]
  if not run or not run.node or #entry.operations ~= 1 or not first.acknowledged or first.kind ~= "put" then return end
  local world, since = self.world, runtime.now()
  local holders = #world.atlas:holders(entry.namespace, entry.path, first.version)
  local bad = world.atlas:present(entry.namespace, entry.path, first.version) - holders
  local receipt, err = task.timeout(MOST_SECONDS, run.node.replicate, run.node, entry.key)
  local what = receipt and format.count(#receipt.copies, "copy", "copies") or tostring(err)
  world.trace:tell(entry.owner.name, entry.subject, "replicate: " .. what)
  if not receipt then
    if err.code == "not_found" or err.code == "invalid" or was_refused(err.receipt) then return end -- invalid: the policy failed
    if err.code == "exists" and may_be_stale(world, entry, since) then return self:wait_for "stale" end
    return self:miss("replicate", entry, "%s: %s", entry.subject, tostring(err))
  end
  if holders < receipt.quorum then self:wait_for "repair" end
  local present = world.atlas:present(entry.namespace, entry.path, receipt.version)
  if present >= receipt.quorum then return receipt.quorum > 1 and self:pass "replicate" end
  if present + bad >= receipt.quorum then return self:wait_for "proof" end -- counted, and then found to be bad
  local told = format.count(receipt.quorum, "copy", "copies")
  self:miss("replicate", entry, "%s: %s told of, where there are %d", entry.subject, told, present)
end

---What a node has of its own is of the generation that it writes with, unless it says why not.
local function look_for_old_keys(self, machine)
  local run = machine.run
  local rotation = run and run.node and run.node:rotation()
  if not rotation or rotation.generation == 0 then return end
  if rotation.left == 0 then return self:pass "keys" end
  if rotation.problem then return self:wait_for "repair" end
  self:violate("keys", nil, "%s of %s still of an older generation", format.count(rotation.left, "object is", "objects are"), machine.name)
end

---All that must hold once faults are over and everybody has had time.
function Checks:look_at_all()
  self:look_at_disks()
  local lists = list_all(self)
  for _, entry in ipairs(self.world.ledger.entries) do look_for_name(self, entry, lists) end
  for _, entry in ipairs(self.world.ledger.entries) do
    look_for_copies_of_deleted(self, entry)
    read_by_owner(self, entry)
    make_copies(self, entry)
  end
  for _, machine in ipairs(self.world.machines) do look_for_old_keys(self, machine) end
end

local SAMPLES, SAMPLE_SECONDS = 5, 7

local function sample(world)
  local measured = { tasks = runtime.live_tasks(), timers = runtime.timers(), moving = 0 }
  for _, machine in ipairs(world.machines) do
    local run = machine.run
    if run and run.node then measured.moving = measured.moving + #run.node:activity() end
  end
  return measured
end

---What there is in a quiet world: the least of some samples, since something may be under way in one.
---@return {tasks: integer, timers: integer, moving: integer, tables: table}
function Checks:measure()
  local least = sample(self.world)
  for _ = 2, SAMPLES do
    runtime.sleep(SAMPLE_SECONDS)
    for name, value in pairs(sample(self.world)) do least[name] = math.min(least[name], value) end
  end
  least.tables = sizes.tables(self.world)
  return least
end

---Whether something has become more from each measurement to the next: what is made when it is first needed does not.
local function grows(measured, name)
  for i = 2, #measured do
    if measured[i][name] <= measured[i - 1][name] then return false end
  end
  return true
end

---measured: what there was each time that the nodes had been used, and then nothing had happened for a while.
function Checks:compare(measured)
  local first, last, tables = measured[1], measured[#measured], {}
  for _, name in ipairs { "tasks", "timers" } do
    if grows(measured, name) then self:violate("quiet", nil, "%d %s where there were %d", last[name], name, first[name]) end
  end
  for i, each in ipairs(measured) do tables[i] = each.tables end
  local path, before, now = sizes.growing(tables)
  if path then self:violate("quiet", nil, "%d entries in the table %s where there were %d", now, path, before) end
  if last.moving > 0 then self:violate("quiet", nil, "%s on the way still", format.count(last.moving, "copy is", "copies are")) end
  self:pass "quiet"
end

return { new = new, PROMISES = PROMISES, WAITING = WAITING }
