---Shares: a bound for all together, beside each one's own. Until it is reached everybody has what he likes; then nobody gets more than an
---equal part of it, so that whoever comes with many identities keeps nobody out.

local at_end = require "filo.host.at_end"

---@class filo.Share
---@field most number
---@field total number  that is taken
---@field many integer  of those who have some
local Share = {}
Share.__index = Share

local function change(self, who, amount)
  local before = self.by[who] or 0
  local now = before + amount
  self.total, self.by[who] = self.total + amount, now > 0 and now or nil
  self.many = self.many + (now > 0 and 1 or 0) - (before > 0 and 1 or 0)
end

---Takes so much, until the end of the scope; nil when that is too much.
---@param who any
---@param amount number  above 0
---@return table?
function Share:take(who, amount)
  local own = self.by[who] or 0
  local many = self.many + (own > 0 and 0 or 1)
  if self.total + amount > self.most and own + amount > self.most / many then return nil end
  change(self, who, amount)
  return at_end(function() change(self, who, -amount) end)
end

---@param most number
---@return filo.Share
return function(most) return setmetatable({ most = most, total = 0, many = 0, by = {} }, Share) end
