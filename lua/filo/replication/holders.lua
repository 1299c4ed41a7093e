---Holders: the nodes that have taken copies of this one's objects, as the root keeps them. Each must hear of deletions, also one that
---nobody here dials, and that came to a process which ended since. Of which objects it has copies is not kept.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"

---@class filo.Holders
---@field noted table<string, true>  IDs of those that were in the root when it was read, or that were noted since
---@field reading? {since: table<string, true>, ended?: true, count?: integer, err?: filo.Error}  since: what is noted meanwhile
local Holders = {}
Holders.__index = Holders

---@param given {host: filo.Host, disk: table, is_forgotten: fun(id: string): boolean}
---@return filo.Holders
local function new(given)
  return setmetatable({
    host = given.host, disk = given.disk, is_forgotten = given.is_forgotten, noted = {}, read_out = new_gate(given.host),
  }, Holders)
end

---Reads which ones the root keeps, limits.remembered at most. Who comes meanwhile waits for that.
---@return integer? count, filo.Error?
local function read(self)
  local reading = self.reading
  if reading then
    self.read_out:wait_for(function() return reading.ended end)
    if reading.count or reading.err then return reading.count, reading.err end
    return read(self) -- who read was cancelled
  end
  reading = { since = {} }
  self.reading = reading
  local _ <close> = at_end(function()
    self.reading, reading.ended = nil, true
    self.read_out:wake()
  end)
  local raw, err = self.disk:holders(self.host.limits.remembered)
  reading.err = err
  if not raw then return nil, err end
  local noted = reading.since
  for _, each in ipairs(raw) do noted[self.host.crypto.hex(each)] = true end
  self.noted, reading.count = noted, #raw -- a person may have removed some
  return #raw
end

local function add(self, id)
  local count, err = read(self)
  if not count then return nil, err end
  if self.noted[id] then return true end
  if count >= self.host.limits.remembered then
    local sentence = "there is room for %d: remove those that are gone for good from 'holders' in the root"
    return errors.fail("too_large", sentence:format(count))
  end
  return self.disk:add_holder(self.host.crypto.unhex(id))
end

---A peer has taken a copy, or may have. Waits until that is kept.
---@param id string
function Holders:note(id)
  if self.noted[id] then return end
  local ok, err = add(self, id)
  self.noted[id] = true -- or each copy would be told of
  if self.reading then self.reading.since[id] = true end
  if ok or err.code == "closed" then return end
  self.host.log("warning", ("that node %s has copies could not be noted: a deletion does not tell of it while it is away: %s"):format(
    id:sub(1, 16), tostring(err)))
end

---Whether it is known who has copies: a deletion must tell of those that are away.
---@return true?, filo.Error?
function Holders:check()
  local count, err = read(self)
  if not count then return nil, errors.wrap(err, "which nodes have copies cannot be read") end
  return true
end

---The IDs of those that are not among some, in order, as they were known at the last check; without members that were forgotten.
---@param told table<string, any>  by ID
---@return string[]
function Holders:others(told)
  local others = {}
  for id in pairs(self.noted) do
    if not told[id] and not self.is_forgotten(id) then others[#others + 1] = id end
  end
  table.sort(others)
  return others
end

return new
