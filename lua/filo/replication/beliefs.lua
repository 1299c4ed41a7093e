---Beliefs: which peers hold what lies here, too, as they have said. What one answers is noted at both sides, since who asks tells what
---he has; and so is a copy that one has made at the other. Two nodes so know the same of each other, and can compare that (in_step.lua).

local sorted_keys = require "filo.base.sorted_keys"

---@class filo.Beliefs
---@field copied table<string, string[]>  by ID of a peer: marks of what was copied there, or came from there, and is not noted yet
---@field count integer  of these
local Beliefs = {}
Beliefs.__index = Beliefs

---Objects that are looked up at once; marks that are noted at once.
local BATCH, NOTED = 512, 4096

---Copies that may wait to be noted: of more that are made meanwhile, peers are asked.
local MOST = 65536

---Notes which copies were made, of all peers.
function Beliefs:flush()
  local copied = self.copied
  self.copied, self.count = {}, 0
  for _, id in ipairs(sorted_keys(copied)) do
    local node, marks = self.host.crypto.unhex(id), copied[id]
    for first = 1, #marks, NOTED do
      self.catalogue:believe(node, table.concat(marks, "", first, math.min(first + NOTED - 1, #marks)), true)
    end
  end
end

local function flush_soon(self)
  self.host.sleep(self.host.limits.in_step_note)
  self:flush()
end

---A copy is at a peer that was made here, or came from there: it is noted soon, with others.
---@param peer filo.peers.Peer
---@param fields {namespace: string, key_hash: string, version: integer}
function Beliefs:learn(peer, fields)
  if self.count >= MOST then return end
  if self.count == 0 then self.tasks:spawn(flush_soon, self) end
  local marks = self.copied[peer.id] or {}
  self.copied[peer.id], self.count = marks, self.count + 1
  marks[#marks + 1] = self.catalogue:mark(fields.namespace, fields.key_hash, fields.version)
end

---Notes which of some versions a peer holds. What cannot be noted is asked again.
---@param peer filo.peers.Peer
---@param rows {key_hash: string, version: integer}[]
---@param holds fun(i: integer): boolean?  nil: it is not known
function Beliefs:note(peer, namespace, rows, holds)
  local node, marks = self.host.crypto.unhex(peer.id), { [true] = {}, [false] = {} }
  for i, row in ipairs(rows) do
    local list = marks[holds(i)]
    if list then list[#list + 1] = self.catalogue:mark(namespace, row.key_hash, row.version) end
  end
  for _, has in ipairs { true, false } do
    if marks[has][1] then self.catalogue:believe(node, table.concat(marks[has]), has) end
  end
end

---Which of some versions a peer is known to hold.
---@param peer filo.peers.Peer
---@param rows filo.CatalogueRow[]
---@return boolean[]
function Beliefs:known(peer, rows)
  local node, known = self.host.crypto.unhex(peer.id), {}
  for first = 1, #rows, BATCH do
    local marks = {}
    for i = first, math.min(first + BATCH - 1, #rows) do
      marks[#marks + 1] = self.catalogue:mark(rows[i].namespace, rows[i].key_hash, rows[i].version)
    end
    local told = self.catalogue:believed(node, table.concat(marks))
    for i = 1, #marks do known[first + i - 1] = told and told[i] or false end
  end
  return known
end

---@param given {host: filo.Host, tasks: filo.Tasks, catalogue: filo.Catalogue}
---@return filo.Beliefs
return function(given)
  given.copied, given.count = {}, 0
  return setmetatable(given, Beliefs)
end
