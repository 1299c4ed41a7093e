---What members have refused to keep, as their policies want: they are not asked for it again for a while.

---@class filo.Denials
---@field list table<string, {reason: string, till: number}>  by key hash and ID
---@field count integer
local Denials = {}
Denials.__index = Denials

---@param key_hash string
---@param id string  of the member
---@param reason string
function Denials:add(key_hash, id, reason)
  local limits = self.host.limits
  if self.count >= limits.repair_denials then return end
  self.list[key_hash .. id] = { reason = reason, till = self.host.now() + limits.repair_denied }
  self.count = self.count + 1
end

---Why a member is not asked; nil: it is.
---@return string? reason
function Denials:of(key_hash, id)
  local denied = self.list[key_hash .. id]
  return denied and denied.till >= self.host.now() and denied.reason or nil
end

---Forgets those that are over.
function Denials:tidy()
  local left, count = {}, 0
  for name, denied in pairs(self.list) do
    if denied.till >= self.host.now() then left[name], count = denied, count + 1 end
  end
  self.list, self.count = left, count
end

---@param host filo.Host
---@return filo.Denials
return function(host) return setmetatable({ host = host, list = {}, count = 0 }, Denials) end
