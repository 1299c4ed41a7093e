---Checkers: what a simulated world must hold to. A violation has the name of the promise that was broken. What is not promised yet is
---counted under the name of what it waits for.

local core_store = require "filo.core.store"
local described = require "filo.placement.described"
local format = require "filo.base.format"
local growth = require "filo.sim.growth"
local inside = require "filo.base.inside"
local ledger_parts = require("filo.sim.ledger").parts
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"
local trace_clock = require("filo.sim.trace").clock
local trials = require "filo.sim.trials"
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
  evict = "a copy goes only when others have proved themselves",
  receipt = "a receipt tells of copies that are there, as many as were asked for",
  traffic = "a copy that is missing is sent by one who has it, not by all",
  healed = "a copy that is bad is found, and made good where a good one is in reach",
  listed = "what is here and at connected peers is listed, and nothing that was deleted",
  repair = "copies that are missing are made again, by themselves",
  surplus = "copies that are too many go",
  replicate = "node:replicate makes the copies that the policy asks for",
  conflict = "what two write at once is kept, of both",
  keys = "once keys were changed, all that is here has the new ones",
  quiet = "tasks, timers and tables do not grow",
}

---What waits for a part of Filo that is still to come.
local WAITING = {
  tombstone = "a deletion that its owner's disk has lost comes back to it",
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

---Whether the acknowledged version of a part lies at the owner, or at a machine that the owner has been connected to since then, with no
---fault of either.
local function is_part_in_reach(world, entry, part, since)
  local owner = entry.owner
  for _, holder in ipairs(world.atlas:holders(entry.namespace, part.path, part.version)) do
    if owner:was_calm(since) and holder:was_calm(since) then
      if holder == owner then return true end
      for _, connection in ipairs(owner:connections_with(holder)) do
        if connection.since < since then return true end
      end
    end
  end
  return false
end

---Whether all that is needed of an object is in reach.
local function is_in_reach(world, entry, since)
  for _, group in ipairs(entry.groups) do
    local count = 0
    for _, part in ipairs(group.parts) do count = count + (is_part_in_reach(world, entry, part, since) and 1 or 0) end
    if count < group.needed then return false end
  end
  return true
end

---Whether the owner has an older version of something, which it had kept when the newest was made, or which came from a backup.
local function has_older(entry)
  for _, part in ipairs(ledger_parts(entry)) do
    local own = entry.owner.disk:file(entry.namespace, part.path)
    if own and own.intact and own.fields.version < part.version then return true end
  end
  return false
end

---Whether what began then may come upon something older: the newest is out of reach, or the owner has an older one. newest: it asks for
---more than the owner has.
local function may_be_stale(world, entry, since, newest)
  if not (entry.operations[1] and entry.operations[1].acknowledged) then return false end
  return not (newest or world.quiet) and has_older(entry) or not is_in_reach(world, entry, since)
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

---A receipt tells of copies that were there, as many as were asked for. Whether they stay is for other promises.
---@param told filo.Receipt|table  or a list of receipts, or of such lists
function Checks:receipt(entry, told)
  if not told.copies then
    for _, each in ipairs(told) do self:receipt(entry, each) end
    return
  end
  local path, count = core_store.cas_path("sha1", 2, 1, entry.keys:key_hash(told.key)), 0
  for _, id in ipairs(told.copies) do
    local machine = self.world.by_id[id]
    count = count + (machine and machine.disk:has_had(entry.namespace, path, told.version) and 1 or 0)
  end
  if count == #told.copies and (count >= told.quorum or told.replaced) then return self:pass "receipt" end
  local copies = format.count(#told.copies, "copy", "copies")
  self:violate("receipt", entry, "%s: a receipt tells of %s, where %d were to be, and %d were", told.key, copies, told.quorum, count)
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

---Has every node read all that lies there again, and heal what is bad.
local function scrub_all(self)
  for _, machine in ipairs(self.world.machines) do
    local node = machine.run and machine.run.node
    local report, err
    if node then report, err = task.timeout(MOST_SECONDS, node.scrub, node) end
    if report then
      local text = "scrubbed: %d objects, %d bad, %d healed, %d wanted"
      self.world.trace:tell(machine.name, nil, text:format(report.objects, report.bad, report.healed, report.wanted))
    elseif node then
      self:violate("ends", nil, "the scrub of %s: %s", machine.name, tostring(err))
    end
  end
end

---Whether a machine that is connected to one has a good copy of at least a version.
local function is_at_neighbour(world, machine, copy, path)
  for _, holder in ipairs(world.atlas:holders(copy.namespace, path, copy.version)) do
    if holder ~= machine and holder.run and #machine:connections_with(holder) > 0 then return true end
  end
  return false
end

---Nothing bad is left in its place, and what was set aside is good again, where another is in reach.
local function look_for_bad(self)
  local before = #self.violations
  for _, machine in ipairs(self.world.machines) do
    for _, each in ipairs(machine.disk:list()) do
      local entry = self.world.ledger:at(each.namespace, each.path)
      if not machine.disk:file(each.namespace, each.path).intact then
        self:violate("healed", entry, "a bad copy of %s is left at %s", entry and entry.subject or "something", machine.name)
      end
    end
    for _, copy in ipairs(machine.disk.bad) do
      local path = copy.key_hash and core_store.cas_path("sha1", 2, 1, copy.key_hash)
      local entry, group
      if path then entry, group = self.world.ledger:at(copy.namespace, path) end
      local may_be_lost = group and #group.parts > group.needed -- its scheme makes it again, elsewhere
      if path and not may_be_lost and is_at_neighbour(self.world, machine, copy, path) then
        self:violate("healed", entry, "the bad copy of %s at %s was not healed", entry and entry.subject or "something", machine.name)
      end
    end
  end
  if #self.violations == before then self:pass "healed" end
end

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
  self:read(entry, since, false, task.timeout(MOST_SECONDS, workload.read, entry.owner, entry.key, false))
  local content, err = task.timeout(MOST_SECONDS, workload.read, entry.owner, entry.key, true)
  world.trace:tell(entry.owner.name, entry.subject, ("read: %s"):format(content and #content .. " bytes" or tostring(err)))
  local first = entry.operations[1]
  local stored = first and first.acknowledged and first.kind == "put"
  if stored and not content and not world.atlas:is_left(entry) then
    local found = entry.lost and ", and was not at " .. trace_clock(entry.lost) or ""
    return self:miss("readable", entry, "%s: no good copy is left anywhere%s", entry.subject, found)
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

---Peers that are connected to the owner of what was deleted have no copy of a part of it. An owner whose own tombstone has rotted or is
---gone cannot tell them before it looks; then it may have found an older one.
local function look_for_copies_of_deleted(self, entry, part)
  local own = entry.owner.disk:file(entry.namespace, part.path)
  if not own or not own.intact or own.fields.version < part.version then return self:wait_for "tombstone" end
  for _, machine in ipairs(self.world.machines) do
    local file = #entry.owner:connections_with(machine) > 0 and machine.disk:file(entry.namespace, part.path)
    if file and not file.unreadable and not file.fields.tombstone and file.fields.version < part.version then
      if may_have_refused(entry, machine) then return self:wait_for "tombstone" end
      return self:miss("tombstones", entry, "%s was deleted, and %s still has a copy", entry.subject, machine.name)
    end
  end
  self:pass "tombstones"
end

---What an owner lists is what it has stored and not deleted, as far as it or a peer has that version. A peer was asked by now.
---@param lists table<filo.sim.Machine, table<string, filo.KeyItem>>
local function look_for_name(self, entry, part, lists)
  local first, list = entry.operations[1], lists[entry.owner]
  if not list then return end
  local item, own = list[part.key], entry.owner.disk:file(entry.namespace, part.path)
  if first.kind == "put" and is_part_in_reach(self.world, entry, part, runtime.now() - 2 * self.world.limits.follow) then
    if item and item.version >= part.version then return self:pass "listed" end
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

---Whether a copy stays for now: another node relies on it, or too much is out of reach for anything to be done there.
local function is_kept_for_now(entry, machine, key_hash)
  local node = machine.run and machine.run.node
  local parts = node and inside.of(node)
  return not parts or not parts.repair.report or parts.repair.held or parts.repair.surplus.dropped[entry.namespace .. key_hash]
    or parts.vouching:has_vouched(entry.namespace, key_hash)
end

---The machines that have a copy of this very version.
local function keepers_of(self, entry, part)
  local list = {}
  for _, machine in ipairs(self.world.atlas:holders(entry.namespace, part.path, part.version)) do
    local fields = machine.disk:file(entry.namespace, part.path).fields
    if fields.version == part.version then list[#list + 1] = { machine = machine, key_hash = fields.key_hash } end
  end
  return list
end

---The machines other than the owner's that have a copy of an older version.
local function behind(self, entry, part)
  local list = {}
  for _, machine in ipairs(self.world.machines) do
    local file = machine ~= entry.owner and machine.disk:file(entry.namespace, part.path)
    local fields = file and not file.unreadable and file.fields
    if fields and fields.version < part.version and not fields.tombstone then
      list[#list + 1] = { machine = machine, key_hash = fields.key_hash }
    end
  end
  return list
end

---Has those look again, after each other, who have what should go: what stayed at the last look, as another node relied on it, goes at the
---next. False where it is kept for now.
local function let_go(entry, list)
  for _, each in ipairs(list) do
    if each.machine ~= entry.owner and is_kept_for_now(entry, each.machine, each.key_hash) then return false end
    each.machine.run.node:repair()
  end
  return true
end

---Whether there are more copies of a version than the policy asks for, which may be more than are waited for, or any of older ones.
local function look_for_surplus(self, entry, part, quorum)
  local keepers, plan = keepers_of(self, entry, part), entry.owner.run.node:placement(part.key)
  local wanted = math.max(quorum, plan and plan.wanted + 1 or 0)
  if #keepers > wanted then
    if not let_go(entry, keepers) then return end
    keepers = keepers_of(self, entry, part)
    if #keepers > wanted then
      return self:miss("surplus", entry, "%s: there are %d copies of %d", entry.subject, #keepers, wanted)
    end
  end
  local older = behind(self, entry, part)
  if older[1] then
    if not let_go(entry, older) then return end
    older = behind(self, entry, part)
    if older[1] then
      return self:miss("surplus", entry, "%s: %s has an older version still", entry.subject, older[1].machine.name)
    end
  end
  self:pass "surplus"
end

---Whether a member's policy is why copies are missing, as somebody who looked after them knows.
local function are_refused(world)
  for _, machine in ipairs(world.machines) do
    local node = machine.run and machine.run.node
    local report = node and inside.of(node).repair.report
    for reason in pairs(report and report.reasons or {}) do
      if reason:find("refused: ", 1, true) then return true end
    end
  end
  return false
end

---Of what its owner has evicted others have as many copies as a policy asks for that asks for no more than that.
local function look_for_evicted(self, entry, part)
  local world = self.world
  local spec = described.spec_of(world.given_policy)
  if not spec or spec[1] ~= "copies" then return end
  local wanted, holders = math.min(spec[2], #world.machines - 1), #world.atlas:holders(entry.namespace, part.path, part.version)
  if holders >= wanted then return self:pass "repair" end
  if are_refused(world) then return end
  self:miss("repair", entry, "%s: evicted, and %d good copies of %d were there once all was quiet", entry.subject, holders, wanted)
end

---The copies of a part that are there, and those that are missing; then they are made.
local function make_copies(self, entry, part)
  local world, run, since = self.world, entry.owner.run, runtime.now()
  local holders = #world.atlas:holders(entry.namespace, part.path, part.version)
  local receipt, err = task.timeout(MOST_SECONDS, run.node.replicate, run.node, part.key)
  local what = receipt and format.count(#receipt.copies, "copy", "copies") or tostring(err)
  world.trace:tell(entry.owner.name, entry.subject, "replicate: " .. what)
  if not receipt then
    if err.code == "not_found" then return look_for_evicted(self, entry, part) end
    if err.code == "invalid" or was_refused(err.receipt) then return end -- invalid: the policy failed
    if err.code == "exists" and may_be_stale(world, entry, since) then return self:wait_for "stale" end
    return self:miss("replicate", entry, "%s: %s", entry.subject, tostring(err))
  end
  if described.spec_of(world.given_policy) then look_for_surplus(self, entry, part, receipt.quorum) end -- of others no keeper can tell
  if holders >= receipt.quorum then
    self:pass "repair"
  else
    self:miss("repair", entry, "%s: %d good copies of %d were there once all was quiet", entry.subject, holders, receipt.quorum)
  end
  local present = world.atlas:present(entry.namespace, part.path, receipt.version)
  if present >= receipt.quorum then return receipt.quorum > 1 and self:pass "replicate" end
  local told = format.count(receipt.quorum, "copy", "copies")
  self:miss("replicate", entry, "%s: %s told of, where there are %d", entry.subject, told, present)
end

---The parts of an object whose last operation was of a kind, when that was acknowledged and nothing was tried since; or none.
---@param kind? "put"|"delete"  either, when left out
---@return filo.sim.StoredPart[]
local function settled_parts(entry, kind)
  local first = entry.operations[1]
  local is_settled = #entry.operations == 1 and first.acknowledged and (not kind or first.kind == kind)
  return is_settled and ledger_parts(entry) or {}
end

---What a node has of its own is of the generation that it writes with, unless it says why not.
local function look_for_old_keys(self, machine)
  local run = machine.run
  local rotation = run and run.node and run.node:rotation()
  if not rotation or rotation.generation == 0 then return end
  if rotation.left == 0 then return self:pass "keys" end
  self:violate("keys", nil, "%s of %s still of an older generation", format.count(rotation.left, "object is", "objects are"), machine.name)
end

---Those who have an object do not all send it where it is missing.
local function look_at_traffic(self)
  local traffic = self.world.traffic
  if not traffic:is_too_much() then return self:pass "traffic" end
  self:violate("traffic", nil, "of %d copies that were sent, %d were sent by another at the same time", traffic.copies, traffic.again)
end

---What two have written at once is there afterwards, of both.
local function look_at_conflict(self)
  local read, stored = trials.write_at_once(self.world, MOST_SECONDS)
  if not read then return end
  for _, content in ipairs(stored) do
    if not read[content] then return self:violate("conflict", nil, "%s is not there any more", content) end
  end
  self:pass "conflict"
end

---All that must hold once faults are over and everybody has had time.
function Checks:look_at_all()
  self:look_at_disks()
  trials.evict_last(self.world, MOST_SECONDS)
  scrub_all(self)
  look_for_bad(self)
  local lists = list_all(self)
  for _, entry in ipairs(self.world.ledger.entries) do
    for _, part in ipairs(settled_parts(entry)) do look_for_name(self, entry, part, lists) end
  end
  for _, entry in ipairs(self.world.ledger.entries) do
    for _, part in ipairs(settled_parts(entry, "delete")) do look_for_copies_of_deleted(self, entry, part) end
    read_by_owner(self, entry)
    local runs = entry.owner.run and entry.owner.run.node
    for _, part in ipairs(runs and settled_parts(entry, "put") or {}) do make_copies(self, entry, part) end
  end
  for _, machine in ipairs(self.world.machines) do look_for_old_keys(self, machine) end
  look_at_traffic(self)
  look_at_conflict(self)
end

Checks.measure, Checks.compare = growth.measure, growth.compare

return { new = new, PROMISES = PROMISES, WAITING = WAITING }
