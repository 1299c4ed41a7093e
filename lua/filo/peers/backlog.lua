---The backlog: what waits to be sent, to all peers together. A peer may let some MiB of it lie unread for a while; when there is too much
---in all, whoever has most of it is dropped, so that no number of peers that do not read fills the memory.

local at_end = require "filo.host.at_end"

---@class filo.Backlog
---@field total integer  bytes
local Backlog = {}
Backlog.__index = Backlog

---@param given {most: integer, list: (fun(): filo.peers.Peer[]), drop: fun(peer: filo.peers.Peer)}  most: bytes; list: all that are
---connected
---@return filo.Backlog
local function new(given)
  return setmetatable({ most = given.most, list = given.list, drop = given.drop, total = 0, of = {} }, Backlog)
end

---What a peer has: in its connection's queue, and in messages that wait for room there.
local function entry_of(self, peer)
  local entry = self.of[peer] or { queued = 0, held = 0 }
  self.of[peer] = entry
  return entry
end

local function set_queued(self, peer, queued)
  local entry = entry_of(self, peer)
  self.total = self.total + queued - entry.queued
  entry.queued = queued
end

local function largest(self)
  local found, most = nil, 0
  for _, peer in ipairs(self.list()) do
    local entry = self.of[peer]
    local bytes = entry and entry.queued + entry.held or 0
    if bytes > most then found, most = peer, bytes end
  end
  return found
end

---Queues grow shorter without a word: they are looked at before anybody is dropped.
local function relieve(self)
  if self.total <= self.most then return end
  for _, peer in ipairs(self.list()) do
    if self.of[peer] then set_queued(self, peer, peer:queued()) end
  end
  while self.total > self.most do
    local peer = largest(self)
    if not peer then return end
    self.drop(peer)
  end
end

---A message was taken by a peer's connection.
---@param queued integer  bytes that wait there now
function Backlog:note(peer, queued)
  if queued == 0 and not self.of[peer] then return end
  set_queued(self, peer, queued)
  relieve(self)
end

---A message waits for room, until the end of the scope.
---@param bytes integer
---@return table
function Backlog:hold(peer, bytes)
  local entry = entry_of(self, peer)
  entry.held, self.total = entry.held + bytes, self.total + bytes
  relieve(self)
  return at_end(function()
    if self.of[peer] ~= entry then return end
    entry.held, self.total = entry.held - bytes, self.total - bytes
  end)
end

---A peer has gone, and what waited for it.
function Backlog:forget(peer)
  local entry = self.of[peer]
  if not entry then return end
  self.total, self.of[peer] = self.total - entry.queued - entry.held, nil
end

return new
