---Rotating: what is of an older generation than its namespace is written with gets a record of that one, here and at the peers that hold
---it. No content is sealed or sent for that.
---
---What is left to do is what is of an older generation: there is no other state. So it goes on after a restart, and takes in what comes
---later from a node that had not heard of the new generation. Work and rest take turns, so that the node goes on serving.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"
local new_repeats = require "filo.replication.repeats"
local sorted_keys = require "filo.base.sorted_keys"
local versions = require "filo.copies.versions"

---Objects between two rests; so many at once, but for large ones.
local BATCH, AT_ONCE, LARGE = 256, 32, 16 << 20

---@class filo.Rotation
---@field generation integer  with which the namespace is written
---@field left integer  objects here that are of an older one
---@field total integer  how many these were when it began
---@field peers integer  connected ones that are yet to be told
---@field ended? boolean  to who only reads: there are copies here for which he was given no keys
---@field problem? string  why something could not be done the last time; it is tried again

---@class filo.Rotating
---@field unsettled table<string, table>  by ID, peers that may have something of an older generation: another table each time
---@field again boolean  there may be something to do
---@field busy boolean  it is being done
---@field working? boolean  there is a task that does it
---@field watching? boolean  there is one that looks whether there is something to do
local Rotating = {}
Rotating.__index = Rotating

---@param given {host: filo.Host, disk: table, names: filo.Names, catalogue: filo.Catalogue, generation: filo.Generation,
---  tasks: filo.Tasks, peers: filo.Peers, find: filo.Find, storing: filo.Storing, spread: filo.Spread, tombstones: filo.Tombstones,
---  verifier: filo.Verifier, keys: filo.Keys, namespace: string, readonly: boolean}
---@return filo.Rotating
local function new(given)
  local self = setmetatable({
    unsettled = {}, again = false, busy = false, total = 0, changed = new_gate(given.host), large = new_locks(given.host),
  }, Rotating)
  for name, value in pairs(given) do self[name] = value end
  return self
end

---Calls fn for each of a list, some at once.
local function each_of(self, list, fn)
  local at, tasks = 0, {}
  for i = 1, math.min(AT_ONCE, #list) do
    tasks[i] = self.host.spawn_child(function()
      while at < #list do
        at = at + 1
        fn(list[at])
      end
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
end

---Rests for as long as the work since then took.
local function rest(self, began)
  local host = self.host
  host.sleep((host.now() - began) * host.limits.rotate_share)
end

---@param err filo.Error
local function fail(self, what, err)
  self.failed = (self.failed or 0) + 1
  self.problem = self.problem or ("%s: %s"):format(what, tostring(err))
end

-- What is here ------------------------------------------------------------------------------------------------------------

---True when what lies at a path is of the newest generation from now on, or has gone.
---@return true?, filo.Error?
local function rewrap(self, path, key_hash)
  local _ <close> = self.names:lock(key_hash)
  local fields, record = self.disk:stat(self.namespace, path)
  if not fields then return record.code == "not_found" or nil, record end
  if fields.tombstone or fields.generation >= self.generation.number then return true end
  local later, err = self.names:rewrap(record)
  if not later then return nil, err end
  local ok
  ok, err = self.disk:rewrap(path, later, record, true)
  if ok or err.code ~= "exists" then return ok, err end
  self.again = true -- another version has come
  return true
end

local function rewrap_row(self, row)
  local path, err = row.path, nil
  if not path then path, err = self.names:path(row.key_hash) end
  local ok = false
  if path then
    local _ <close> = row.size > LARGE and self.large:take "one at a time" or nil
    ok, err = rewrap(self, path, row.key_hash)
  end
  if ok then return end
  if err.code == "not_found" or err.code == "corrupt" then self.verifier:suspect(self.namespace, path) end
  fail(self, row.name and ("'%s'"):format(row.name) or "an object here", err)
end

---How many objects here are of an older generation.
---@return integer
local function count_left(self)
  local left = self.catalogue:generations(self.namespace, self.generation.number)
  self.total = math.max(self.total, left)
  return left
end

local function rewrap_all(self)
  self.catalogue:wait()
  if count_left(self) == 0 then return end
  local next_row = self.catalogue:outdated(self.namespace, self.generation.number)
  local batch
  repeat
    local began = self.host.now()
    batch = {}
    for row in next_row do
      batch[#batch + 1] = row
      if #batch == BATCH then break end
    end
    each_of(self, batch, function(row) rewrap_row(self, row) end)
    rest(self, began)
  until #batch < BATCH
end

-- What is at peers --------------------------------------------------------------------------------------------------------

---The record that a peer should have in the place of an older one: the one here; for what is not here, or older here, one that another
---peer has, or a new one.
---@return string?, filo.core.Fields|filo.Error|nil
local function find_record(self, entry, path)
  local here, record = self.disk:stat(self.namespace, path)
  if here and not versions.newer(entry, here) then
    if here.tombstone or here.generation >= self.generation.number then return record, here end
    return errors.fail("busy", "the copy here has no new record yet")
  end
  local found = self.find:newest { key = "an object at a peer", hash = entry.key_hash, path = path }
  if not found or versions.newer(entry, found.fields) then found = { fields = entry, record = entry.record } end
  if found.fields.tombstone or found.fields.generation >= self.generation.number then return found.record, found.fields end
  local later, err = self.names:rewrap(found.record)
  if not later then return nil, err end
  return later, self.host.store.peek(later)
end

---Has a peer put a newer record in the place of an older one.
---@return true?, filo.Error?
local function update(self, peer, entry)
  local path, err = self.names:path(entry.key_hash)
  if not path then return nil, err end
  local record, fields = find_record(self, entry, path)
  if not record then return nil, fields end
  if fields.tombstone then
    return self.tombstones:tell(peer, { record = record, version = fields.version, path = path, key_hash = entry.key_hash })
  end
  local answer
  answer, err = self.spread:send_record(peer, record, fields.size)
  if not answer then return nil, err end
  if not answer.want then return true end
  local content_key, meta = self.names:unseal(record)
  if not content_key then return nil, meta end
  local receipt
  receipt, err = self.storing:replicate({ key = meta.name, hash = entry.key_hash, path = path }, { peer.id })
  return receipt and true, err
end

---So many times in a row a peer may have nothing to tell but that there is more.
local EMPTY_ANSWERS = 100

---A peer that has more than so many pages is asked again, in a round of its own: others have their turn before.
local PAGES = 1024

---@return boolean? all  false: of what could not be done is told already
---@return filo.Error? err
local function go_over(self, peer)
  local place, all, repeats, pages, empty = nil, true, new_repeats(), 0, 0
  repeat
    local began = self.host.now()
    local list, next_place = self.generation:outdated(peer, place)
    if not list then return nil, next_place end
    for _, entry in ipairs(list) do
      if repeats:note(entry) then return nil, errors.new("protocol", "it lists the same again and again") end
    end
    empty = list[1] and 0 or empty + 1
    if empty > EMPTY_ANSWERS then return nil, errors.new("protocol", "it lists nothing, again and again") end
    place, pages = next_place, pages + 1
    each_of(self, list, function(entry)
      local ok, err = update(self, peer, entry)
      if ok then return end
      local content_key, meta = self.names:unseal(entry.record)
      local what = content_key and ("the copy of '%s'"):format(meta.name) or "a copy"
      fail(self, ("%s at node %s"):format(what, peer.id:sub(1, 16)), err)
      all = false
    end)
    rest(self, began)
  until not place or pages == PAGES
  self.again = self.again or place ~= nil
  return all and not place
end

---After these a peer is left alone until it comes again: what it says makes no sense.
local LIES = { protocol = true, corrupt = true }

local function settle(self, id)
  local peer, told = self.peers:get(id), self.unsettled[id]
  local all, err = true, nil
  if peer then all, err = go_over(self, peer) end
  local is_over = all or err and LIES[err.code]
  if is_over and self.unsettled[id] == told then self.unsettled[id] = nil end -- and nothing has become older meanwhile
  if err and self.peers:get(id) then fail(self, ("node %s"):format(id:sub(1, 16)), err) end
end

local function go_over_peers(self)
  each_of(self, sorted_keys(self.unsettled), function(id) settle(self, id) end)
end

-- Rounds ------------------------------------------------------------------------------------------------------------------

local function do_round(self)
  self.again, self.failed, self.problem = false, nil, nil
  rewrap_all(self)
  go_over_peers(self)
end

---@return boolean done
local function round(self)
  self.busy = true
  local _ <close> = at_end(function()
    self.busy = false
    self.changed:wake()
  end)
  local ok, err = errors.try(do_round, self)
  if not ok then fail(self, "the rotation", err) end
  if self.problem then
    self.host.log("warning", ("of a rotation %s could not be done, and is tried again; first: %s"):format(
      format.count(self.failed, "part", "parts"), self.problem))
  end
  return not self.failed
end

---Works until nothing is left that can be done.
local function work(self)
  local _ <close> = at_end(function() self.working = false end)
  local limits = self.host.limits
  local pause = limits.rotate_again
  self.total = 0
  repeat
    local done = round(self)
    if not done and not self.again then
      self.changed:wait_for(function() return self.again end, pause)
      pause, self.again = math.min(2 * pause, limits.rotate_again_most), true
    end
  until not self.again
end

function Rotating:nudge()
  self.again = true
  self.changed:wake()
  if self.working or self.tasks.closed then return end
  self.working = true
  self.tasks:spawn(work, self)
end

---What is here may be of an older generation, and at all peers.
local function suspect_all(self)
  for _, peer in ipairs(self.peers:list()) do self.unsettled[peer.id] = {} end
  self:nudge()
end

---Looks each minute for what has come of an older generation.
local function watch(self)
  if self.watching then return end
  self.watching = true
  self.tasks:spawn(function()
    while true do
      self.host.sleep(self.host.limits.rotate_look)
      if not self.working and count_left(self) > 0 then suspect_all(self) end
    end
  end)
end

---The generation has gone up: all that there is, is of an older one.
local function begin(self)
  watch(self)
  self.peers:claim(self.keys)
  suspect_all(self)
end

---When the node starts: what was left by the last run; and where nothing is noted, what lies here may tell.
function Rotating:start()
  if self.readonly then return end
  self.generation.changed = function() begin(self) end
  if self.generation.number > 0 then
    watch(self)
    self:nudge()
  end
  if not self.generation.fresh then return end
  self.tasks:spawn(function()
    self.catalogue:wait()
    self.generation:learn((select(2, self.catalogue:generations(self.namespace, 0))))
  end)
end

---A peer has come, with what it had.
---@param peer filo.peers.Peer
function Rotating:meet(peer)
  if self.generation.number == 0 or not self.generation.changed then return end
  self.unsettled[peer.id] = {}
  self:nudge()
end

---A peer tells what is new there.
---@param peer filo.peers.Peer
---@param entries filo.core.Fields[]  which nobody has verified
function Rotating:hear(peer, entries)
  for _, fields in ipairs(entries) do
    if not fields.tombstone and fields.generation < self.generation.number then return self:meet(peer) end
  end
end

---@return filo.Rotation
function Rotating:status()
  if self.keys:access() ~= "write" then
    local _, newest = self.catalogue:generations(self.namespace, 0)
    local ended = self.keys:access() == "read" and newest > self.keys:newest() or nil
    return { generation = newest, left = 0, total = 0, peers = 0, ended = ended }
  end
  local number, left, peers = self.generation.number, 0, 0
  if number > 0 then left = count_left(self) end
  for id in pairs(self.unsettled) do peers = peers + (self.peers:get(id) and 1 or 0) end
  return { generation = number, left = left, total = self.total, peers = peers, problem = self.problem }
end

---As Node:rotate.
---@param wait boolean
---@return filo.Rotation?, filo.Error?
function Rotating:rotate(wait)
  if self.keys:access() ~= "write" then
    return errors.fail("denied", "that namespace can be read here, not written: only who writes it changes its keys")
  end
  if self.readonly then return errors.fail("denied", "the root is open for reading only") end
  local number, err = self.generation:next()
  if not number then return nil, err end
  return wait and self:wait() or self:status()
end

---Waits until what can be done now is done.
---@return filo.Rotation
function Rotating:wait()
  self.changed:wait_for(function() return not self.again and not self.busy end)
  return self:status()
end

return new
