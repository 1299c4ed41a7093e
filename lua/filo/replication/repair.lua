---Repair: copies that are missing are made again, by any node that has one. It goes over all that lies here, asks the members that should
---have a copy which of them have one, and makes those that are missing, the object with the fewest copies first. Of those who have a copy
---one acts; each other waits its turn, and looks again before it sends.

local at_end = require "filo.host.at_end"
local calm = require "filo.replication.calm"
local errors = require "filo.base.errors"
local new_denials = require "filo.replication.denials"
local new_due = require "filo.replication.due"
local new_looking = require "filo.replication.looking"
local new_surplus = require "filo.replication.surplus"
local new_unwell = require "filo.replication.unwell"
local reports = require "filo.replication.repair_report"
local sealed_version = require "filo.replication.sealed_version"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.Repair
---@field report? filo.RepairReport  of the last time
---@field denials filo.Denials
---@field looking filo.Looking
---@field surplus filo.Surplus
---@field held? string  why nothing is done
---@field unwell filo.Unwell
---@field due filo.Due
local Repair = {}
Repair.__index = Repair

---How many of those who have it, and are there, act before this node: an order that is another one for each object.
local function rank_of(self, item)
  local function place(id) return self.host.crypto.digest("sha256", item.row.key_hash .. id) end
  local mine, before = place(self.id), 0
  for _, holder in ipairs(item.holders) do
    local acts = holder.node ~= self.id and holder.version == item.row.version and self.peers:get(holder.node)
    if acts and place(holder.node) < mine then before = before + 1 end
  end
  return before
end

---Those of some items that this node is to make copies of.
local function missing(self, items)
  local list = {}
  for _, item in ipairs(items) do
    if item.plan and item.plan.make[1] and not item.outdated then
      item.rank = rank_of(self, item)
      list[#list + 1] = item
    end
  end
  table.sort(list, function(a, b)
    if #a.holders ~= #b.holders then return #a.holders < #b.holders end
    return (a.row.id or 0) < (b.row.id or 0) -- without a catalogue there are no ids
  end)
  return list
end

-- Making copies -----------------------------------------------------------------------------------------------------------------

local REASON_MOST = 200 -- bytes of what a peer says

---@return true changed
local function refuse(self, item, id, err)
  local reason = tostring(err):sub(1, REASON_MOST)
  item.refused[id], item.reason = true, reason
  self.refusals:note(item.row.key_hash, id, reason)
  if err.code == "denied" then self.denials:add(item.row.key_hash, id, reason) end
  return true
end

---Whether a member has refused it not long ago, as its policy wants: then it is not asked again.
local function is_denied(self, item, id)
  local reason = self.denials:of(item.row.key_hash, id)
  if reason then item.refused[id], item.reason = true, reason end
  return reason ~= nil
end

---A member has it now.
local function note_made(self, item, id, report, answer)
  local row, known = item.row, nil
  if self.writes(row.namespace) then self.holders:note(id) end
  for _, holder in ipairs(item.holders) do
    if holder.node == id then known = holder end
  end
  if known then known.version, known.deleted = row.version, nil else table.insert(item.holders, { node = id, version = row.version }) end
  if answer.here then return end
  report.made = report.made + 1
  self.hooks:announce("repaired", { namespace = row.namespace, key_hash = row.key_hash, version = row.version, size = row.size },
    self.peers:get(id))
end

---Sends one copy to one member, unless that refuses it. Whether anything is known now that was not before.
---@param item filo.Tended
---@param id string
---@param report {made: integer}
---@return boolean
function Repair:copy(item, id, report)
  local row, peer = item.row, self.peers:get(id)
  if item.refused[id] then return false end
  if not peer then return refuse(self, item, id, errors.new("unreachable", "it has just gone")) end
  if is_denied(self, item, id) then return true end
  local path = self.names:path(row.key_hash)
  local version = path and sealed_version(self, row.namespace, path, row)
  item.gone = not version -- another one is here by now, or none
  if item.gone then return false end
  local _ <close> = at_end(function()
    if version.object then version.object:close() end
  end)
  local answer, err = self.spread:copy(peer, version)
  if not answer then return refuse(self, item, id, err) end
  if answer.record then
    item.newest = self.looking:shown(item, answer.record, row.version)
    item.outdated = item.newest ~= nil
    return item.outdated or refuse(self, item, id, errors.new("protocol", "it says that it has what it does not show"))
  end
  note_made(self, item, id, report, answer)
  return true
end

---So many times the policy is asked who gets a copy of one object.
local TURNS_MOST = 16

---Makes what is missing of one, asking the policy again where a member refuses.
local function make_all(self, item, report)
  for _ = 1, TURNS_MOST do
    local changed = false
    for _, id in ipairs(item.plan.make) do
      if item.outdated or item.gone then return end
      changed = self:copy(item, id, report) or changed
    end
    self.looking:plan(item)
    if item.row.tombstone or not changed or not item.plan or not item.plan.make[1] then return end
  end
end

---Does something with each item, some at a time. What costs time is paid for by rest: others work, too.
---@param list filo.Tended[]
---@param fn fun(item: filo.Tended)
local function each_of(self, list, fn)
  local host, at, tasks = self.host, 0, {}
  local _ <close> = at_end(function()
    for _, task in ipairs(tasks) do task:cancel() end
  end)
  local function work()
    while at < #list do
      at = at + 1
      fn(list[at])
    end
  end
  for i = 1, math.min(host.limits.repairs, #list) do tasks[i] = host.spawn_child(work) end
  for _, task in ipairs(tasks) do task:join() end
end

local function make_copies(self, list, report)
  each_of(self, list, function(item) make_all(self, item, report) end)
end

---Brings what others have that is newer than what this node has of what it writes, as after an old backup: that is then looked after here.
---@param items filo.Tended[]
local function bring_newer(self, items)
  local list = {}
  for _, item in ipairs(items) do
    local newest = item.shared.writes and item.newest
    if newest and newest.version > item.row.version then list[#list + 1] = item end
  end
  each_of(self, list, function(item)
    local row = item.row
    local ok, err = self.bring(row.namespace, row.key_hash, item.newest.version)
    if ok then self:note_missed(row.namespace, row.key_hash) end
    item.gone, item.behind = ok, not ok and tostring(err):sub(1, REASON_MOST) or nil
  end)
end

-- All that lies here --------------------------------------------------------------------------------------------------------------

---Why there are fewer copies than there should be.
local function why_short(item)
  local plan = item.plan
  if item.behind or item.reason then return item.behind or item.reason end
  if plan.away[1] then return ("%s is away"):format(plan.away[1].name or "node " .. plan.away[1].node:sub(1, 16)) end
  return plan.lacking or "no more members are connected"
end

local function is_unsure(item)
  for _, told in pairs(item.asked) do
    if not told then return true end
  end
  return false
end

---Whether something is still to move from this node, which is to be emptied: a copy that it keeps for another, or an object of its own of
---which there are not as many elsewhere as there should be.
local function is_left(self, item)
  if item.row.tombstone or item.gone or item.outdated then return false end
  return not (item.shared.has_keys and self.surplus:has_keepers(item))
end

---Adds an item to a report, where something is not as it should be. Whether it is to be looked at again soon.
---@return boolean
local function judge(self, item, report)
  local unsure, left = is_unsure(item), report.left ~= nil and is_left(self, item)
  local few = item.plan ~= nil and (item.reason or not item.plan.enough) and not item.outdated and not item.gone
  local short = few or item.behind ~= nil
  report.unsure = report.unsure + (unsure and 1 or 0)
  if left then report.left = report.left + 1 end
  if short then
    report.short = report.short + 1
    reports.note(report, why_short(item))
  end
  return unsure or left or short or item.surplus or false
end

---Adds to a report those that have too few copies after all.
local function count(self, items, report, how)
  for _, item in ipairs(items) do
    if judge(self, item, report) and not how.dry then self.unwell:add(item.row.namespace, item.row.key_hash) end
  end
end

---Rows that are looked at together: what is missing of these is made in order.
local ROUND = 4096

---So many rows are remembered of which others should act first; what else there is of them is found the next time.
local LATER = 65536

---@class filo.RepairHow
---@field dry? boolean  nothing is sent
---@field at_once? boolean  nobody else's turn is waited for

---Drops a copy here that is too many, once that has been so for long enough.
---@param item filo.Tended  what lies here, or what others have that is newer
---@param how filo.RepairHow
local function drop(self, item, report, how)
  local keepers, left = self.surplus:check(item)
  if not keepers then return end
  local here = item.older or item
  here.gone = left <= 0 and not how.dry and self.surplus:drop(item, keepers) or nil
  here.surplus = not here.gone
  local what = here.gone and "dropped" or "surplus"
  report[what] = report[what] + 1
  if left > 0 then report.settles = math.min(left, report.settles or left) end
end

---Drops copies here that are too many, or of an older version than others should have.
---@param how filo.RepairHow
local function drop_surplus(self, items, report, how)
  local function look_at(item) drop(self, item, report, how) end
  self.looking:each(items, look_at)
  self.looking:each(self.looking:newer(items), look_at)
end

---Looks after some items of one namespace. The rows of those that others should act for first are added to a list.
---@param how filo.RepairHow
---@param later filo.CatalogueRow[]
local function look_after(self, items, report, how, later)
  self.looking:look_at(items)
  local now, settled = {}, {}
  for _, item in ipairs(missing(self, items)) do
    item.waits = item.rank > 0 and not (how.at_once or how.dry) and #later < LATER
    if item.waits then later[#later + 1] = item.row elseif item.rank == 0 or how.at_once then now[#now + 1] = item end
  end
  if not how.dry then
    bring_newer(self, items)
    make_copies(self, now, report)
  end
  drop_surplus(self, items, report, how)
  for _, item in ipairs(items) do
    report.objects = report.objects + (item.row.tombstone and 0 or 1)
    if not item.waits then settled[#settled + 1] = item end
  end
  count(self, settled, report, how)
end

---Looks again at what others should have done, and does it.
---@param rows filo.CatalogueRow[]
local function take_over(self, rows, report, how, silent)
  for first = 1, #rows, ROUND do
    local items, shared = {}, self.looking:together(rows[1].namespace, silent)
    for i = first, math.min(first + ROUND - 1, #rows) do items[#items + 1] = self.looking:tend(rows[i], shared) end
    self.looking:look_at(items)
    make_copies(self, missing(self, items), report)
    drop_surplus(self, items, report, how)
    count(self, items, report, how)
  end
end

---Looks after what some rows of one namespace are of.
---@param next_row fun(): filo.CatalogueRow?
local function look_after_rows(self, next_row, report, how)
  local items, later, silent, shared = {}, {}, {}, nil
  local function round()
    look_after(self, items, report, how, later)
    items, shared = {}, nil
  end
  for row in next_row do
    if not row.problem and not row.elsewhere then
      shared = shared or self.looking:together(row.namespace, silent, nil, how.at_once or how.dry)
      items[#items + 1] = self.looking:tend(row, shared)
    end
    if #items == ROUND then round() end
  end
  round()
  if not later[1] then return end
  self.host.sleep(self.host.limits.repair_turn)
  take_over(self, later, report, how, silent)
end

---How many copies are still to move from this node; nil: it is not to be emptied, or has not looked yet.
---@return integer?
function Repair:left() return self.is_draining() and self.report and self.report.left or nil end

---A node that is to be emptied tells how far it is.
local function tell_left(self)
  local left = self:left()
  if not left then return end
  if left == 0 and self.told_left ~= 0 then
    self.host.log("info", "this node is to be emptied, and nothing is left here that others have not: it may be switched off")
  end
  self.told_left = left
  self.peers:tell_left()
end

local function finish(self, report)
  report.time = self.host.time() // 1000000
  return report
end

---Objects here of which nobody has said what he wants: where this node is to be emptied, they are in the way.
local function count_unknown(self)
  local objects = 0
  for _, usage in ipairs(self.catalogue:usage()) do objects = objects + (self.policy_of(usage.namespace) and 0 or usage.objects) end
  return objects
end

local function begin_report(self)
  local report = reports.new()
  report.left = self.is_draining() and count_unknown(self) or nil
  self.denials:tidy()
  self.looking:tidy()
  return report
end

---Looks after all that lies here; of what nobody has said what he wants of it, the deletions.
---@param how filo.RepairHow
---@return filo.RepairReport
function Repair:look_after_all(how)
  local report = begin_report(self)
  self.in_step:begin_look()
  if not how.dry then self.unwell:take() end
  for _, usage in ipairs(self.catalogue:usage()) do
    local namespace = usage.namespace
    local is_known = self.policy_of(namespace) ~= nil
    look_after_rows(self, is_known and self.catalogue:files(namespace) or self.catalogue:tombstones(namespace), report, how)
  end
  if not how.dry then
    self.report = report
    tell_left(self)
  end
  return finish(self, report)
end

---Rows of what lies here of some objects of one namespace.
---@param list {namespace: string, key_hash: string}[]
---@param from integer  the first of them
local function rows_of(self, list, from)
  local at, namespace = from - 1, list[from].namespace
  return function()
    while list[at + 1] and list[at + 1].namespace == namespace do
      at = at + 1
      local path = self.names:path(list[at].key_hash)
      local row = path and self.catalogue:at(namespace, path)
      if row and row.key_hash == list[at].key_hash then return row end
    end
  end, function() return at + 1 end
end

---Looks after those that are unwell. What all others are is known from the last time that all were looked at.
local function look_after_unwell(self)
  local report, list, at = begin_report(self), self.unwell:take(), 1
  while list[at] do
    local next_row, next_at = rows_of(self, list, at)
    local is_known = self.policy_of(list[at].namespace) ~= nil
    look_after_rows(self, function()
      local row = next_row()
      while row and not is_known and not row.tombstone do row = next_row() end
      return row
    end, report, {})
    at = next_at()
  end
  report.objects = self.report.objects
  self.report = finish(self, report)
  tell_left(self)
end

---Looks after objects of one namespace.
---@param next_row fun(): filo.CatalogueRow?
---@param how filo.RepairHow
---@return filo.RepairReport
function Repair:look_after_some(next_row, how)
  local report = reports.new()
  look_after_rows(self, next_row, report, how)
  return finish(self, report)
end

-- When ------------------------------------------------------------------------------------------------------------------------------

---A copy was not made that should have been.
function Repair:note_missed(namespace, key_hash)
  self.unwell:add(namespace, key_hash)
  self.due:unwell_in(self.host.limits.repair_again)
end

local MARK = 16 -- bytes

---Somebody does not hold any more what some marks stand for.
---@param marks string
function Repair:note_lost(marks)
  for at = 1, #marks, MARK do
    local row = self.catalogue:marked(marks:sub(at, at + MARK - 1))
    if row then self:note_missed(row.namespace, row.key_hash) end
  end
end

---The times for which a member that is away keeps its places, of what lies here, rising.
---@return number[]
local function graces(self)
  local view, times = self.view(), {}
  for _, usage in ipairs(self.catalogue:usage()) do
    if self.policy_of(usage.namespace) then times[view:grace(usage.namespace)] = true end
  end
  return sorted_keys(times)
end

---Looks after all, or after those that are unwell.
---@return boolean ok
local function look(self)
  local ok, err
  if self.due:begin(self.unwell.over or not self.report) then
    ok, err = errors.try(self.look_after_all, self, {})
  else
    ok, err = errors.try(look_after_unwell, self)
  end
  self.due:rest()
  if ok then return true end
  self.host.log("warning", "copies could not be looked after: " .. errors.text(err))
  self.due:all_in(self.host.limits.repair_again_most)
  return false
end

---Says when what is not well is looked at again: with growing pauses.
---@return number pause  the one that was taken
local function plan_next(self, pause)
  local report, limits = self.report, self.host.limits
  local all_well = report.short == 0 and report.unsure == 0 and (report.left or 0) == 0
  pause = all_well and limits.repair_again or math.min(pause * 2, limits.repair_again_most)
  if not all_well then self.due:unwell_in(pause) end
  if report.settles then self.due:unwell_in(report.settles + limits.repair_settle) end
  return pause
end

local function run(self)
  local again = self.host.limits.repair_again
  local pause = again
  while true do
    self.due:wait()
    self.held = calm(self.members())
    if self.held then
      self.due:put_off(again)
    elseif look(self) then
      pause = plan_next(self, pause)
      if self.report.short > 0 then self.hooks:announce("missing", self.report) end
    end
  end
end

---@param given {host: filo.Host, disk: table, peers: filo.Peers, tasks: filo.Tasks, hooks: filo.Hooks, names: filo.Names,
---  catalogue: filo.Catalogue, spread: filo.Spread, holders: filo.Holders, refusals: filo.Refusals, set_aside: filo.SetAside, id: string,
---  beliefs: filo.Beliefs, in_step: filo.InStep,
---  members: (fun(): filo.placement.Member[]), writes: (fun(raw_id: string): boolean), policy_of: (fun(raw_id: string): table?),
---  has_keys: (fun(raw_id: string): boolean), view: (fun(): filo.View), is_draining: (fun(): boolean),
---  removal: filo.Removal, vouching: filo.Vouching, prove_of: (fun(namespace: string): filo.Prove),
---  bring: fun(namespace: string, key_hash: string, least: integer): true?, filo.Error?}
---  policy_of: what is wanted of a namespace, if that is known; view: the members as they are now
---@return filo.Repair
return function(given)
  local self = setmetatable(given, Repair)
  self.denials, self.unwell = new_denials(given.host), new_unwell()
  self.looking = new_looking {
    host = given.host, peers = given.peers, id = given.id, beliefs = given.beliefs, in_step = given.in_step, writes = given.writes,
    has_keys = given.has_keys, view = given.view,
  }
  self.surplus = new_surplus {
    host = given.host, peers = given.peers, names = given.names, hooks = given.hooks, removal = given.removal, vouching = given.vouching,
    id = given.id, prove_of = given.prove_of,
  }
  self.due = new_due { host = given.host, tasks = given.tasks, graces = function() return graces(self) end }
  self.tasks:spawn(run, self)
  return self
end
