---Holders: the nodes that have taken copies of this one's objects, as the root keeps them. Each must hear of deletions, also one that
---nobody here dials, and that came to a process which ended since. Of which objects it has copies is not kept.

local errors = require "filo.base.errors"

---@class filo.Holders
---@field noted table<string, true>  IDs of those that are known to be kept in the root
local Holders = {}
Holders.__index = Holders

---@param given {host: filo.Host, disk: table}
---@return filo.Holders
local function new(given) return setmetatable({ host = given.host, disk = given.disk, noted = {} }, Holders) end

---Those that the root keeps, limits.remembered at most.
---@return string[]?, filo.Error?
local function read(self)
  local raw, err = self.disk:holders(self.host.limits.remembered)
  if not raw then return nil, err end
  local list, noted = {}, {}
  for i, each in ipairs(raw) do
    list[i] = self.host.crypto.hex(each)
    noted[list[i]] = true
  end
  self.noted = noted -- a person may have removed some
  table.sort(list)
  return list
end

local function add(self, id)
  local list, err = read(self)
  if not list then return nil, err end
  if self.noted[id] then return true end
  if #list >= self.host.limits.remembered then
    local sentence = "there is room for %d: remove those that are gone for good from 'holders' in the root"
    return errors.fail("too_large", sentence:format(#list))
  end
  return self.disk:add_holder(self.host.crypto.unhex(id))
end

---A peer has taken a copy, or may have. Waits until that is kept.
---@param id string
function Holders:note(id)
  if self.noted[id] then return end
  local ok, err = add(self, id)
  self.noted[id] = true -- or each copy would be told of
  if ok or err.code == "closed" then return end
  self.host.log("warning", ("that node %s has copies could not be noted: a deletion does not tell of it while it is away: %s"):format(
    id:sub(1, 16), tostring(err)))
end

---Whether it is known who has copies: a deletion must tell of those that are away.
---@return true?, filo.Error?
function Holders:check()
  local list, err = read(self)
  if not list then return nil, errors.wrap(err, "which nodes have copies cannot be read") end
  return true
end

---The IDs of those that are not among some, in order.
---@param told table<string, any>  by ID
---@return string[]
function Holders:others(told)
  local list, err = read(self)
  if not list then
    self.host.log("warning", "which nodes have copies cannot be read: a deletion does not tell of those that are away: " .. tostring(err))
    return {}
  end
  local others = {}
  for _, id in ipairs(list) do
    if not told[id] then others[#others + 1] = id end
  end
  return others
end

return new
