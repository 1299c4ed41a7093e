---Deletions and the peers: each is told of a tombstone at once, or when it comes back after it was away; one that could not take it is
---told again, with growing pauses, while it is connected.
---
---A tombstone is kept for good, so that an old copy can never count again. `caught_up` has, by the ID of a peer, the run of it that lacks
---no tombstone of this node, as far as is known: one that was started again may have been restored from a backup. Any other that connects
---is told of all that lie here, but for those that both say it holds (in_step.lua). Who refuses one by its policy keeps its
---copy: a peer of which nothing else is missing is not told again. `missed` has why the others are behind: "refused", or "failed".

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_backoff = require "filo.host.backoff"
local new_gate = require "filo.host.gate"
local receipts = require "filo.replication.receipt"
local superseded = require "filo.replication.superseded"

---Deletions that one peer is told of at once; times limits.tell that those of one batch may take, also with a peer that answers.
local AT_ONCE, BATCH_TIMES = 16, 4

---Deletions that are read before those who are behind are told of them.
local BATCH = 64

---@class filo.Tombstones
local Tombstones = {}
Tombstones.__index = Tombstones

---@param given {host: filo.Host, disk: table, peers: filo.Peers, tasks: filo.Tasks, holders: filo.Holders, names: filo.Names,
---  catalogue: filo.Catalogue, beliefs: filo.Beliefs, in_step: filo.InStep, id: string, namespace: string}
---@return filo.Tombstones
local function new(given)
  return setmetatable({
    host = given.host, disk = given.disk, peers = given.peers, tasks = given.tasks, holders = given.holders, names = given.names,
    catalogue = given.catalogue, beliefs = given.beliefs, in_step = given.in_step, id = given.id, namespace = given.namespace,
    caught_up = {}, missed = {}, arrived = {}, to_pass = {}, rested = -math.huge, idle = new_gate(given.host),
    answered = new_gate(given.host),
  }, Tombstones)
end

---Tells one peer. True when it holds the tombstone from now on.
---@return true?, filo.Error?, integer?  the third: the version of something newer that the peer has and this node had forgotten
local function tell(self, peer, tombstone)
  local answer, err = peer:across_takeover(peer.ask, "store", { record = tombstone.record, body = "" })
  if not answer then return nil, err end
  if not answer.record then
    self.beliefs:learn(peer, { namespace = self.namespace, key_hash = tombstone.key_hash, version = tombstone.version })
    return true
  end
  local what, number = superseded(self, tombstone, answer.record)
  if not what then return nil, number end
  return nil, errors.new("exists", "it has a newer version"), what == "behind" and number or nil
end

-- Who is behind ----------------------------------------------------------------------------------------------------------

local function run_of(peer) return peer.instance or peer.id end

local function is_behind(self, peer) return self.caught_up[peer.id] ~= run_of(peer) end

---Connected peers that may take what they miss.
local function list_behind(self)
  local list = {}
  for _, peer in ipairs(self.peers:list()) do
    if is_behind(self, peer) and self.missed[peer.id] ~= "refused" then list[#list + 1] = peer end
  end
  return list
end

---Tells those who are behind again and again, until nobody is.
local function tell_again(self)
  local _ <close> = at_end(function() self.telling_again = false end)
  local backoff = new_backoff(self.host, self.host.limits.tell_again, self.host.limits.tell_again_most)
  repeat
    backoff:wait()
    local behind = list_behind(self)
    for _, peer in ipairs(behind) do self:meet(peer) end
    self.idle:wait_for(function() return not self.catching_up end)
  until #behind == 0
end

---A peer misses one.
local function fall_behind(self, peer, err)
  self.caught_up[peer.id] = nil
  local refused = err and err.code == "denied" and self.missed[peer.id] ~= "failed"
  self.missed[peer.id] = refused and "refused" or "failed"
  if self.telling_again then return end
  self.telling_again = true
  self.tasks:spawn(tell_again, self)
end

---Peers that are not connected miss what is told to all.
local function note_absent(self, told)
  for id in pairs(self.caught_up) do
    if not told[id] then self.caught_up[id] = nil end
  end
end

local function count(map)
  local entries = 0
  for _ in pairs(map) do entries = entries + 1 end
  return entries
end

---Identities are to be had for nothing: of too many, those that are not connected are forgotten, and told again when they come back.
local function forget_the_absent(self)
  if count(self.caught_up) + count(self.missed) <= self.host.limits.remembered then return end
  local caught_up, missed = {}, {}
  for _, peer in ipairs(self.peers:list()) do
    caught_up[peer.id], missed[peer.id] = self.caught_up[peer.id], self.missed[peer.id]
  end
  self.caught_up, self.missed = caught_up, missed
end

-- Telling all -----------------------------------------------------------------------------------------------------------

---Who must hear of a deletion, and is not connected: addresses that this node dials, and the IDs of others that have taken copies.
---@param told table<string, true>  IDs of those that are told
---@return string[]
local function list_unreached(self, told)
  local list, known = self.peers:unreached()
  for _, id in ipairs(self.holders:others(told)) do
    if not known[id] then list[#list + 1] = id end
  end
  return list
end

---Tells every connected peer: {record, version, path, key_hash, key}. Gives a receipt, and the newest version that a peer has and this
---node had forgotten, if there is one.
---@return filo.Receipt, integer?
function Tombstones:tell_all(tombstone)
  local receipt = {
    key = tombstone.key, version = tombstone.version, size = 0, copies = { self.id }, pending = {}, refused = {}, quorum = 1,
  }
  local tasks, known, told = {}, nil, {}
  local peers = self.peers:list()
  for _, peer in ipairs(peers) do told[peer.id] = true end
  receipt.unreached = list_unreached(self, told)
  note_absent(self, told)
  for i, peer in ipairs(peers) do
    tasks[i] = self.host.spawn_child(function()
      local missed, problem = true, nil
      local _ <close> = at_end(function()
        if missed then fall_behind(self, peer, problem) end
      end)
      local ok, err, number = tell(self, peer, tombstone)
      known = number and math.max(known or 0, number) or known
      missed = not ok
      if ok then return table.insert(receipt.copies, peer.id) end
      problem = err
      table.insert(receipt.refused, { peer = peer.id, reason = tostring(err) })
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return receipts.show(receipt), known
end

-- Passing on ------------------------------------------------------------------------------------------------------------

---Has one peer put a tombstone in the place of what it has.
---@param tombstone {record: string, version: integer, path: string, key_hash: string}
---@return true?, filo.Error?
function Tombstones:tell(peer, tombstone)
  local ok, err = tell(self, peer, tombstone)
  return ok, err
end

---Those who are behind are told of all that lies here in any case.
local function list_caught_up(self)
  local list = {}
  for _, peer in ipairs(self.peers:list()) do
    if not is_behind(self, peer) then list[#list + 1] = peer end
  end
  return list
end

---Of more that wait, peers are told as of all that lies here.
local MOST_WAITING = 1024

local function pass_all(self)
  local _ <close> = at_end(function() self.passing = false end)
  while self.to_pass[1] do
    local waiting = self.to_pass
    self.to_pass = {}
    if #waiting > MOST_WAITING then
      for _, peer in ipairs(self.peers:list()) do fall_behind(self, peer) end
    else
      for at = 1, #waiting, BATCH do
        self:tell_each(list_caught_up(self), table.move(waiting, at, math.min(at + BATCH - 1, #waiting), 1, {}))
      end
    end
  end
end

---Passes on a deletion that another writer has made: he may not be connected to all that this node is connected to.
---@param tombstone {record: string, version: integer, path: string, key_hash: string}
function Tombstones:pass_on(tombstone)
  table.insert(self.to_pass, tombstone)
  if self.passing then return end
  self.passing = true
  self.tasks:spawn(pass_all, self)
end

-- Peers that come back ------------------------------------------------------------------------------------------------

---@class filo.Telling
---@field peer filo.peers.Peer
---@field tasks filo.Task[]
---@field left integer  tasks that have not ended
---@field since number  when it answered last
---@field over? boolean

---Tells one peer of a batch, some at once, until it is not asked any further. Who refuses one is behind.
---@return filo.Telling
local function begin_telling(self, peer, batch)
  local telling, next = { peer = peer, tasks = {}, left = math.min(AT_ONCE, #batch), since = self.host.now() }, 1
  local function work()
    local _ <close> = at_end(function()
      telling.left = telling.left - 1
      self.answered:wake()
    end)
    while batch[next] and not telling.over do
      local tombstone = batch[next]
      next = next + 1
      local ok, err = tombstone.held and tombstone.held[peer.id], nil
      if not ok then ok, err = tell(self, peer, tombstone) end
      if not ok then
        fall_behind(self, peer, err)
        telling.over = peer.gone ~= nil or err.code == "timeout"
      end
      telling.since = self.host.now()
      self.answered:wake()
    end
  end
  for i = 1, telling.left do telling.tasks[i] = self.host.spawn_child(work) end
  return telling
end

---Waits until a peer was told of all, as long as it answers, but not past a time: others wait, too. False when it was not.
local function finish_telling(self, telling, latest)
  local host = self.host
  while telling.left > 0 do
    local deadline = math.min(telling.since + host.limits.tell, latest)
    if host.now() >= deadline then
      for _, each in ipairs(telling.tasks) do each:cancel() end
      fall_behind(self, telling.peer)
      return false
    end
    self.answered:wait(deadline - host.now())
  end
  return not telling.over
end

---Tells all peers of a batch at once. Who is too slow is behind, and holds up the others no further.
---@private
function Tombstones:tell_each(behind, batch)
  if not batch[1] then return end
  local tellings, latest = {}, self.host.now() + BATCH_TIMES * self.host.limits.tell
  for i, peer in ipairs(behind) do tellings[i] = begin_telling(self, peer, batch) end
  for i = #behind, 1, -1 do
    if not finish_telling(self, tellings[i], latest) then table.remove(behind, i) end
  end
end

---The record of a tombstone that the catalogue knows of; nil when another version lies there by now.
---@return table? tombstone
---@return filo.Error? err  it cannot be read
local function read_tombstone(self, row)
  if row.problem == "corrupt" then return nil end
  if row.problem then return errors.fail(row.problem, row.path .. " cannot be read: it is tried again") end
  local path, err = row.path, nil
  if not path then path, err = self.names:path(row.key_hash) end
  if not path then return nil, err end
  local fields, record = self.disk:stat(self.namespace, path)
  if not fields and record.code ~= "not_found" and record.code ~= "corrupt" then
    return errors.fail(record.code, path .. " cannot be read: it is tried again")
  end
  if not fields or not fields.tombstone then return nil end
  return { record = record, version = fields.version, path = path, key_hash = fields.key_hash }
end

---Waits for tasks, until a time.
local function join_until(self, tasks, deadline)
  for _, each in ipairs(tasks) do
    each:join(math.max(0, deadline - self.host.now()))
    each:cancel()
  end
end

---Waits until peers have said what they hold. Those that have, or cannot: who is silent is not asked again.
---@return filo.peers.Peer[]
local function come_in_step(self, behind)
  local tasks, answered, seconds = {}, {}, self.host.limits.tell_in_step
  for i, peer in ipairs(behind) do
    tasks[i] = self.host.spawn_child(function()
      self.in_step:wait(peer, seconds)
      answered[#answered + 1] = peer
    end)
  end
  join_until(self, tasks, self.host.now() + seconds)
  return answered
end

---By the number of a row, the IDs of the peers of which both nodes say that they hold it. Who does not say so soon is told of it.
---@param asked filo.peers.Peer[]
---@param rows filo.CatalogueRow[]
---@return table<string, true>[]
local function holders_of(self, asked, rows)
  local tasks, held, deadline = {}, {}, self.host.now() + self.host.limits.tell
  local read, sets = {}, {} -- what cannot be read has no version
  for i, row in ipairs(rows) do
    held[i] = {}
    if not row.problem then read[#read + 1], sets[#sets + 1] = row, held[i] end
  end
  for i, peer in ipairs(asked) do
    tasks[i] = self.host.spawn_child(function()
      for j, holds in ipairs(self.in_step:held(peer, read) or {}) do sets[j][peer.id] = holds or nil end
    end)
  end
  join_until(self, tasks, deadline)
  return held
end

---The next tombstones here, and whether there are more. Whoever connects with a new identity has all of them read: the more time that
---takes, the longer until the next time that it begins.
---@param asked filo.peers.Peer[]  those of `behind` that say what they hold
---@return table[] batch, boolean more, filo.Error? unread
local function read_on(self, behind, asked, next_row)
  local host, rows, batch, unread = self.host, {}, {}, nil
  local began = host.now()
  repeat
    local row = next_row()
    rows[#rows + 1] = row
  until not row or #rows == BATCH
  local waits = host.now()
  local held = holders_of(self, asked, rows)
  began = began + (host.now() - waits) -- that is no reading
  for i, row in ipairs(rows) do
    local tombstone, err
    if count(held[i]) < #behind then tombstone, err = read_tombstone(self, row) end
    if tombstone then tombstone.held = held[i] end
    batch[#batch + 1] = tombstone
    unread = unread or err
  end
  self.rested = math.max(self.rested, began) + (host.now() - began) * host.limits.walk_share
  return batch, #rows == BATCH, unread
end

---Goes once over what lies here.
local function go_over(self, behind)
  self.catalogue:wait()
  local asked = come_in_step(self, behind)
  local next_row, unread = self.catalogue:tombstones(self.namespace), nil
  repeat
    local batch, more, problem = read_on(self, behind, asked, next_row)
    unread = unread or problem
    self:tell_each(behind, batch)
  until not more or not behind[1]
  if not unread then
    for row in self.catalogue:problems() do
      if row.namespace == self.namespace and row.problem ~= "corrupt" then
        unread = errors.new(row.problem, row.path .. " cannot be read: it is tried again")
      end
    end
  end
  if unread then error(unread, 0) end
end

---Tells the peers that have come, all of them in one go, until no more come.
local function catch_up(self)
  local _ <close> = at_end(function()
    self.catching_up = false
    self.idle:wake()
  end)
  while self.arrived[1] do
    self.host.sleep(math.max(0, self.rested - self.host.now()))
    forget_the_absent(self)
    local behind, all = {}, self.arrived
    self.arrived = {}
    for _, peer in ipairs(all) do
      if is_behind(self, peer) then behind[#behind + 1] = peer end
      self.caught_up[peer.id], self.missed[peer.id] = run_of(peer), nil -- unless it misses one
    end
    local ok, err = errors.try(go_over, self, behind)
    if not ok and not self.tasks.closed then
      for _, peer in ipairs(behind) do fall_behind(self, peer) end
      self.host.log("warning", "peers could not be told of deletions: " .. tostring(err))
    end
  end
end

---A peer has come: it is told what it missed.
---@param peer filo.peers.Peer
function Tombstones:meet(peer)
  table.insert(self.arrived, peer)
  if self.catching_up then return end
  self.catching_up = true
  self.tasks:spawn(catch_up, self)
end

return new
