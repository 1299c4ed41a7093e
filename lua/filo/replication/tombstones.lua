---Deletions and the peers: each is told of a tombstone at once, or when it comes back after it was away.
---
---A tombstone is kept for good, so that an old copy can never count again. `caught_up` has the IDs of the peers that have acknowledged
---every tombstone of this node, as far as is known since it was started. Any other that connects is told of all that lie here; one that
---knows them already says so, at the cost of a message.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local superseded = require "filo.replication.superseded"

---@class filo.Tombstones
local Tombstones = {}
Tombstones.__index = Tombstones

---@param given {host: filo.Host, disk: table, peers: filo.Peers, tasks: filo.Tasks, id: string, namespace: string}
---@return filo.Tombstones
local function new(given)
  return setmetatable({
    host = given.host, disk = given.disk, peers = given.peers, tasks = given.tasks, id = given.id, namespace = given.namespace,
    caught_up = {}, arrived = {},
  }, Tombstones)
end

---Tells one peer. True when it holds the tombstone from now on.
---@return true?, filo.Error?, integer?  the third: the version of something newer that the peer has and this node had forgotten
local function tell(self, peer, tombstone)
  local answer, err = peer:ask("store", { record = tombstone.record, body = "" })
  if not answer then return nil, err end
  if not answer.record then return true end
  local what, number = superseded(self, tombstone, answer.record)
  if not what then return nil, number end
  return nil, errors.new("exists", "it has a newer version"), what == "behind" and number or nil
end

---Whoever has not acknowledged one is behind.
local function note_behind(self, acknowledged)
  for id in pairs(self.caught_up) do
    if not acknowledged[id] then self.caught_up[id] = nil end
  end
end

---Tells every connected peer: {record, version, path, key_hash, key}. Gives a receipt, and the newest version that a peer has and this
---node had forgotten, if there is one.
---@return filo.Receipt, integer?
function Tombstones:tell_all(tombstone)
  local receipt = {
    key = tombstone.key, version = tombstone.version, size = 0, copies = { self.id }, pending = {}, refused = {}, quorum = 1,
  }
  local tasks, known, acknowledged = {}, nil, {}
  local _ <close> = at_end(function() note_behind(self, acknowledged) end)
  for i, peer in ipairs(self.peers:list()) do
    tasks[i] = self.host.spawn_child(function()
      local ok, err, number = tell(self, peer, tombstone)
      known = number and math.max(known or 0, number) or known
      if ok then
        table.insert(receipt.copies, peer.id)
        acknowledged[peer.id] = true
      else
        table.insert(receipt.refused, { peer = peer.id, reason = tostring(err) })
      end
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return receipt, known
end

-- Peers that come back ------------------------------------------------------------------------------------------------

---Tells one peer of the tombstones of a batch. Who refuses one is behind. False when it is asked no further.
local function tell_batch(self, peer, batch)
  for _, entry in ipairs(batch) do
    local ok, err = true, nil
    if entry.tombstone then ok, err = tell(self, peer, entry) end
    if not ok then
      self.caught_up[peer.id] = nil
      if peer.gone or err.code == "timeout" then return false end
    end
  end
  return true
end

---Tells all peers of a batch at once. Who is too slow is behind, and holds up the others no further.
local function tell_each(self, behind, batch)
  local tasks, deadline = {}, self.host.now() + self.host.limits.tell
  for i, peer in ipairs(behind) do tasks[i] = self.host.spawn_child(tell_batch, self, peer, batch) end
  for i = #behind, 1, -1 do
    if not tasks[i]:join(math.max(0, deadline - self.host.now())) then
      tasks[i]:cancel()
      self.caught_up[behind[i].id] = nil
      table.remove(behind, i)
    end
  end
end

---Goes once over what lies here.
local function go_over(self, behind)
  local walk <close> = assert(self.disk:walk(self.namespace))
  local batch, unread = walk:next(), nil
  while batch[1] and behind[1] do
    tell_each(self, behind, batch)
    for _, entry in ipairs(batch) do
      if entry.problem and entry.problem ~= "corrupt" then unread = entry end
    end
    batch = walk:next()
  end
  if unread then error(errors.new(unread.problem, unread.path .. " cannot be read; once it can, connect again")) end
end

---Tells the peers that have come, all of them in one go, until no more come.
local function catch_up(self)
  local _ <close> = at_end(function() self.catching_up = false end)
  while self.arrived[1] do
    local behind, all = {}, self.arrived
    self.arrived = {}
    for _, peer in ipairs(all) do
      if not self.caught_up[peer.id] then behind[#behind + 1] = peer end
      self.caught_up[peer.id] = true -- unless it misses one
    end
    local ok, err = errors.try(go_over, self, behind)
    if not ok and not self.tasks.closed then
      for _, peer in ipairs(all) do self.caught_up[peer.id] = nil end
      self.host.log("warning", "peers could not be told of deletions: " .. tostring(err))
    end
  end
end

---A peer has come: it is told what it missed.
---@param peer filo.Peer
function Tombstones:meet(peer)
  table.insert(self.arrived, peer)
  if self.catching_up then return end
  self.catching_up = true
  self.tasks:spawn(catch_up, self)
end

return new
