---A set that is gone over in the order in which its members came.

local sorted_keys = require "filo.base.sorted_keys"

---@class filo.Set
---@field count integer  members
local Set = {}
Set.__index = Set

---@param member any  not nil
function Set:add(member)
  if self.at[member] then return end
  self.last = self.last + 1
  self.at[member] = self.last
  self.count = self.count + 1
end

---@return boolean removed
function Set:remove(member)
  if not self.at[member] then return false end
  self.at[member] = nil
  self.count = self.count - 1
  return true
end

---@return boolean
function Set:has(member) return self.at[member] ~= nil end

---The members, in the order in which they came. The set may change meanwhile.
---@return any[]
function Set:list()
  return sorted_keys(self.at, function(a, b) return self.at[a] < self.at[b] end)
end

---@return filo.Set
return function() return setmetatable({ at = {}, last = 0, count = 0 }, Set) end
