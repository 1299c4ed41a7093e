---Looking: finds out who has copies of many objects, and where some are missing. Members are asked for a batch of objects at once.

local at_end = require "filo.host.at_end"
local have = require "filo.replication.have"
local sorted_keys = require "filo.base.sorted_keys"

---An object, or deletion, that is looked after.
---@class filo.Tended
---@field row filo.CatalogueRow
---@field shared filo.TendedTogether
---@field info table  what policies are told of it
---@field holders filo.Holder[]  who has it, this node first
---@field asked table<string, boolean>  by ID, this node, too; false: it could not tell
---@field claims {node: string, version: integer}[]  of who says that he has a newer version
---@field refused table<string, true>  by ID: who would not take one
---@field plan? filo.Plan
---@field outdated? boolean  somebody has shown that he has a newer version, and looks after that
---@field newest? filo.core.Fields  which that is, or the same one
---@field older? filo.Tended  what lies here of it: this is what others have
---@field gone? boolean  it is not here any more
---@field reason? string  why one of them would not
---@field behind? string  why the newest could not be brought here, by who writes the namespace
---@field rank? integer  how many others act before this node
---@field waits? boolean  for these

---What is the same for many objects of one namespace.
---@class filo.TendedTogether
---@field view filo.View  the members as they were when this began
---@field grace number  seconds for which who is away is counted on
---@field writes boolean  this node writes the namespace
---@field has_keys boolean  it reads it, at least: what lies here of it is for itself
---@field writers table<string, true>  IDs of other nodes that do: each looks after what he has, and takes no copies from others
---@field writer_ids string[]  in order
---@field silent table<string, true>  IDs of peers that could not be asked, or lied: they are not asked again in this look
---@field thorough? boolean  peers are asked whatever is known of them

---@class filo.Looking
---@field mute table<string, number>  by key hash and ID: since when a member cannot tell whether it has an object
---@field writers table<string, table<string, true>>  by namespace: IDs of nodes that have proved that they write it, connected or not
local Looking = {}
Looking.__index = Looking

---Who writes a namespace, as far as is known: a node that is away may be one, too.
---@return table<string, true>
local function writers_of(self, namespace, view)
  local writers = {}
  for id in pairs(self.writers[namespace] or {}) do writers[id] = view:member(id) and true or nil end
  for _, peer in ipairs(self.peers:list()) do
    if peer.namespaces[namespace] and view:member(peer.id) then writers[peer.id] = true end
  end
  self.writers[namespace] = next(writers) and writers or nil
  return writers
end

---@param silent table<string, true>
---@param view? filo.View  the members as they are now, if left out
---@param thorough? boolean
---@return filo.TendedTogether
function Looking:together(namespace, silent, view, thorough)
  view = view or self.view()
  local writers = writers_of(self, namespace, view)
  return {
    view = view, grace = view:grace(namespace), writes = self.writes(namespace),
    has_keys = self.has_keys(namespace), writers = writers, writer_ids = sorted_keys(writers),
    silent = silent, thorough = thorough,
  }
end

---@param shared filo.TendedTogether
---@return filo.Tended
function Looking:tend(row, shared)
  return {
    row = row, shared = shared, holders = { { node = self.id, version = row.version } }, asked = { [self.id] = true },
    claims = {}, refused = {},
    info = { key_hash = row.key_hash, namespace = row.namespace, version = row.version, size = row.size, class = row.class },
  }
end

---What a peer says that it has of one. A newer version is shown to be one before it counts.
---@param answer? filo.Possession  nil: it did not say
local function note_answer(item, id, answer)
  item.asked[id] = answer ~= nil and not answer.unread
  if not item.asked[id] then return end
  if not answer.version then
    item.refused[id] = item.shared.writers[id]
  elseif answer.version > item.row.version then
    item.claims[#item.claims + 1] = { node = id, version = answer.version }
  else
    table.insert(item.holders, { node = id, version = answer.version, deleted = answer.deleted or nil })
  end
end

---What a record says, if it is one of the object, of a version that is no older.
---@param record? string
---@param least integer
---@return filo.core.Fields?
function Looking:shown(item, record, least)
  local fields = record and self.host.store.parse(record)
  local row = item.row
  local is_it = fields and fields.namespace == row.namespace and fields.key_hash == row.key_hash and fields.version >= least
  return is_it and fields or nil
end

---Has those show it who say that they have a newer version, the newest first: they look after that one. Who cannot is not believed further.
local function check_claims(self, item)
  table.sort(item.claims, function(a, b)
    if a.version ~= b.version then return a.version > b.version end
    return a.node < b.node
  end)
  for _, claim in ipairs(item.claims) do
    local id = claim.node
    local peer = not item.outdated and not item.shared.silent[id] and self.peers:get(id)
    local question = { namespace = item.row.namespace, key_hash = item.row.key_hash, without_content = true }
    local answer = peer and peer:across_takeover(peer.ask, "find", question)
    local shown = answer and self:shown(item, answer.record, item.row.version + 1)
    if shown then
      item.newest, item.outdated = shown, true
    else
      item.asked[id] = item.outdated or false
      if peer then item.shared.silent[id] = true end
    end
  end
  item.claims = {}
end

---Seconds of planning, after which others have their turn.
local SLICE = 0.002

---Calls fn with each item, and rests now and then for as long as that took.
---@param items filo.Tended[]
---@param fn fun(item: filo.Tended)
function Looking:each(items, fn)
  local host = self.host
  local began = host.now()
  for _, item in ipairs(items) do
    fn(item)
    local took = host.now() - began
    if took >= SLICE then
      host.sleep(took * host.limits.repair_share)
      began = host.now()
    end
  end
end

---@param items filo.Tended[]
---@return filo.CatalogueRow[]
local function rows_of(items)
  local rows = {}
  for i, item in ipairs(items) do rows[i] = item.row end
  return rows
end

---Those that a peer has to be asked about: of the others both nodes say that it has them.
---@param items filo.Tended[]
---@return filo.Tended[]
local function without_known(self, peer, items)
  local held, left = self.in_step:held(peer, rows_of(items)), {}
  for i, item in ipairs(items) do
    if held and held[i] then
      note_answer(item, peer.id, { version = item.row.version, deleted = item.row.tombstone })
    else
      left[#left + 1] = item
    end
  end
  return left
end

---Asks one peer for many, a batch at a time.
local function ask_peer(self, id, items)
  local peer, most = self.peers:get(id), self.host.limits.asked
  local shared = items[1].shared
  if peer and not shared.silent[id] and not shared.thorough then items = without_known(self, peer, items) end
  for first = 1, #items, most do
    local batch = table.move(items, first, math.min(first + most - 1, #items), 1, {})
    local silent = shared.silent
    local answers = peer and not silent[id] and have.ask(self, peer, rows_of(batch))
    silent[id] = silent[id] or not answers or nil
    for i, item in ipairs(batch) do note_answer(item, id, answers and answers[i] or nil) end
  end
end

---Asks all peers that an item names for it, side by side.
---@param items filo.Tended[]  of one namespace
---@param whom fun(item: filo.Tended): string[]
local function ask(self, items, whom)
  local by_peer, tasks = {}, {}
  self:each(items, function(item)
    for _, id in ipairs(whom(item)) do
      if item.asked[id] == nil then
        item.asked[id] = false
        by_peer[id] = by_peer[id] or {}
        table.insert(by_peer[id], item)
      end
    end
  end)
  local _ <close> = at_end(function()
    for _, task in ipairs(tasks) do task:cancel() end
  end)
  for _, id in ipairs(sorted_keys(by_peer)) do tasks[#tasks + 1] = self.host.spawn_child(ask_peer, self, id, by_peer[id]) end
  for _, task in ipairs(tasks) do task:join() end
  self:each(items, function(item)
    if item.claims[1] then check_claims(self, item) end
  end)
end

---Whether a peer could not tell of an object for so long that its copy counts as missing.
local function is_lost(self, item, id)
  local name, now = item.row.key_hash .. id, self.host.now()
  if item.asked[id] then
    self.mute[name] = nil
    return false
  end
  self.mute[name] = self.mute[name] or now
  return now - self.mute[name] >= self.host.limits.repair_mute
end

---Whether a writer's copy is to be counted on: it is known of, or nothing is known against it.
local function may_have(item, id)
  local member = item.shared.view:member(id)
  if member.state == "draining" or member.state == "away" and member.since >= item.shared.grace then return false end
  if not item.asked[id] then return true end
  for _, holder in ipairs(item.holders) do
    if holder.node == id then return holder.version >= item.row.version and not holder.deleted end
  end
  return false
end

---The node at which an object is at home: the policy says who else holds a copy, and whoever looks has to count from the same node. That is
---one that writes the namespace and has it; or else, of those who have it, the one with the lowest ID.
---@return string
local function home_of(self, item)
  local shared, home = item.shared, nil
  local function stays(id)
    local member = shared.view:member(id)
    return member ~= nil and member.state ~= "draining"
  end
  if shared.writes and stays(self.id) then return self.id end
  for _, id in ipairs(shared.writer_ids) do
    if may_have(item, id) then return id end
  end
  for _, holder in ipairs(item.holders) do
    local has = holder.version >= item.row.version and not holder.deleted
    if has and stays(holder.node) and (not home or holder.node < home) then home = holder.node end
  end
  return home or self.id
end

---Who could not tell has it, for now: nobody else takes its place for that.
---@param home string  which has it, unless it says otherwise
local function holders_of(self, item, home)
  local list = table.move(item.holders, 1, #item.holders, 1, {})
  for _, id in ipairs(sorted_keys(item.asked)) do
    local told = item.asked[id]
    if is_lost(self, item, id) then
      item.refused[id], item.reason = true, ("node %s cannot tell what it has"):format(id:sub(1, 16))
    elseif not told then
      list[#list + 1] = { node = id, version = item.row.version }
    end
  end
  if item.asked[home] == nil then list[#list + 1] = { node = home, version = item.row.version } end
  return list
end

---Whether a deletion is still to be told somewhere: who has an older version.
local function plan_deletion(item)
  local make = {}
  for _, holder in ipairs(item.holders) do
    if holder.version < item.row.version and not item.shared.writers[holder.node] then make[#make + 1] = holder.node end
  end
  item.plan = { make = make, enough = #make == 0, away = {}, copies = item.holders, quorum = 0 }
end

---Says where copies are missing of an item, as far as is known by now.
---@param item filo.Tended
---@return filo.Plan?
function Looking:plan(item)
  if item.row.tombstone then
    plan_deletion(item)
  else
    local home = home_of(self, item)
    item.plan = item.shared.view:plan(home, item.info, holders_of(self, item, home), item.refused)
  end
  return item.plan
end

---How many of the members that a plan names have a better claim to a copy than this node; nil: it does not name this one.
local function before_me(self, plan)
  for i, id in ipairs(plan.order) do
    if id == self.id then return i - 1 end
  end
end

---Who is asked first, of those that are connected: who should have a copy, and who comes before this node. That may be anybody where this
---one holds a copy for which it is not named at all.
---@return string[]
local function likely(self, item)
  local home, ids, named = home_of(self, item), {}, {}
  local plan = item.shared.view:plan(home, item.info, { { node = home, version = item.row.version } }, item.refused)
  local function add(list, most)
    for i = 1, math.min(most, #list) do
      local id = list[i]
      if self.peers:get(id) and not named[id] then ids[#ids + 1], named[id] = id, true end
    end
  end
  if not plan then return ids end
  local before = home == self.id and 0 or before_me(self, plan)
  if not before and not item.shared.has_keys then return self.peers:ids() end
  add(plan.order, math.max(plan.wanted, before or 0))
  add(plan.make, #plan.make)
  add(item.shared.writer_ids, #item.shared.writer_ids)
  return ids
end

---Finds out where copies are missing of some items of one namespace: each has a plan then.
---@param items filo.Tended[]
function Looking:look_at(items)
  local everybody = self.peers:ids()
  ask(self, items, function(item)
    return item.row.tombstone and everybody or likely(self, item)
  end)
  local short = {}
  self:each(items, function(item)
    if item.row.tombstone then
      plan_deletion(item)
    elseif not item.outdated and self:plan(item) and item.plan.make[1] then
      short[#short + 1] = item
    end
  end)
  ask(self, short, function() return everybody end) -- a copy may lie where the policy would not look first
  self:each(short, function(item)
    if not item.outdated then self:plan(item) end
  end)
end

---What others have that is newer than what lies here, of those items of which somebody has shown it: looked at as if it lay here.
---@param items filo.Tended[]  of one namespace
---@return filo.Tended[]
function Looking:newer(items)
  local list = {}
  for _, item in ipairs(items) do
    local newest = item.newest
    if newest and newest.version > item.row.version and not (newest.tombstone or item.row.tombstone) then
      local newer = self:tend(newest, item.shared)
      newer.older, newer.holders[1].version = item, item.row.version
      list[#list + 1] = newer
    end
  end
  self:survey(list)
  self:each(list, function(newer)
    if not newer.outdated then self:plan(newer) end
  end)
  return list
end

---Asks everybody of some items of one namespace.
---@param items filo.Tended[]
function Looking:survey(items)
  local everybody = self.peers:ids()
  ask(self, items, function() return everybody end)
end

---Of who could not tell not too many are remembered.
function Looking:tidy()
  if #sorted_keys(self.mute) > self.host.limits.repair_denials then self.mute = {} end
end

---@param given {host: filo.Host, peers: filo.Peers, id: string, beliefs: filo.Beliefs, in_step: filo.InStep,
---  writes: (fun(raw_id: string): boolean), has_keys: (fun(raw_id: string): boolean), view: fun(): filo.View}
---  view: the members as they are now
---@return filo.Looking
return function(given)
  given.mute, given.writers = {}, {}
  return setmetatable(given, Looking)
end
