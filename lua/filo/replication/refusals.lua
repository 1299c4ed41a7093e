---Why peers hold no copy of what was stored lately: for people who ask.

local MOST = 1000 -- objects; the oldest is forgotten first

---@class filo.Refusals
local Refusals = {}
Refusals.__index = Refusals

---@return filo.Refusals
local function new() return setmetatable({ reasons = {}, order = {} }, Refusals) end

---Begins anew for an object that is being placed.
---@param key_hash string
function Refusals:begin(key_hash)
  if self.reasons[key_hash] then self.reasons[key_hash] = {} end
end

---@param key_hash string
---@param id string  of the peer
---@param reason string
function Refusals:note(key_hash, id, reason)
  local of_object = self.reasons[key_hash]
  if not of_object then
    of_object = {}
    self.reasons[key_hash] = of_object
    table.insert(self.order, key_hash)
    if #self.order > MOST then self.reasons[table.remove(self.order, 1)] = nil end
  end
  of_object[id] = reason
end

---@param key_hash string
---@param id string
---@return string?
function Refusals:reason(key_hash, id)
  local of_object = self.reasons[key_hash]
  return of_object and of_object[id]
end

return new
