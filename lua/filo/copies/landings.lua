---Landings: copies on their way in, each from its offer to its end. There are slots for some, and for a few of each peer. When all are
---taken, one of the peer that holds most is ended for a peer that holds at least two fewer: by being slow, nobody keeps the others out.

local errors = require "filo.base.errors"

---@class filo.Landing
---@field record string
---@field fields filo.core.Fields
---@field path string
---@field peer filo.peers.Peer
---@field partial? filo.core.Partial
---@field filling? boolean  its bytes are coming, or came
---@field transfer? table  what takes them meanwhile
---@field ended? boolean  for another peer

---@class filo.Landings
---@field list filo.Landing[]  in the order in which they began
local Landings = {}
Landings.__index = Landings

---@param given {host: filo.Host, disk: table}
---@return filo.Landings
local function new(given) return setmetatable({ host = given.host, disk = given.disk, list = {} }, Landings) end

---The landing of a record.
---@param record string
---@return filo.Landing?
function Landings:get(record)
  for _, landing in ipairs(self.list) do
    if landing.record == record then return landing end
  end
end

---How many a peer has, and their bytes.
local function count(self, peer)
  local of_peer, bytes = 0, 0
  for _, landing in ipairs(self.list) do
    if landing.peer == peer then
      of_peer = of_peer + 1
      bytes = bytes + landing.fields.size
    end
  end
  return of_peer, bytes
end

---The slot is free again.
---@param landing filo.Landing
function Landings:release(landing)
  for i, each in ipairs(self.list) do
    if each == landing then
      table.remove(self.list, i)
      if landing.partial then landing.partial:close() end
      return
    end
  end
end

local function come(landing) return landing.transfer and landing.transfer:bytes() or 0 end

---The one to end for a peer that has `own`: of the peer that has most, the one that has come least far. What is being opened or published
---takes no time from others.
local function one_to_end(self, own)
  local found, most = nil, own + 1
  for _, landing in ipairs(self.list) do
    local waits = landing.transfer or landing.partial and not landing.filling
    local has = waits and count(self, landing.peer) or 0
    if has > most or found and has == most and come(landing) < come(found) then found, most = landing, has end
  end
  return found
end

---Makes sure of a free slot.
local function free_slot(self, own)
  if #self.list < self.host.limits.landings then return true end
  local landing = one_to_end(self, own)
  if not landing then return false end
  landing.ended = true
  if landing.transfer then landing.transfer:close() end
  self:release(landing)
  return true
end

---Takes a slot for a copy that a peer offers. nil and an error when there is none, or when one peer's would take more than half of what
---is free without them (a copy on its way in has taken its blocks already).
---@return filo.Landing?, filo.Error?
function Landings:take(record, fields, path, peer)
  local free = self.disk:space()
  local own, bytes = count(self, peer)
  if self:get(record) then return errors.fail("busy", "this version is on its way here already") end
  if fields.size > 0 and free and fields.size + bytes > (free + bytes) // 2 then
    return errors.fail("no_space", "one peer may fill half of what is free here")
  end
  if own >= self.host.limits.landings_of_peer or not free_slot(self, own) then
    return errors.fail("busy", "too many copies are on their way here")
  end
  local landing = { record = record, fields = fields, path = path, peer = peer }
  table.insert(self.list, landing)
  return landing
end

---Ends all of them.
function Landings:close()
  while self.list[1] do self:release(self.list[1]) end
end

return new
