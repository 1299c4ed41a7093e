---Shares: a bound for all together, beside each one's own. Up to `most` everybody takes what he likes. Beyond it there is a part for
---each, so that whoever comes with many identities keeps nobody out:
---  - all together never take it beyond `most` and `part` for each of those who are here;
---  - whoever is here gets what he then has up to `part` of, at once, unless somebody who has gone still has some.
---A part is fixed. An equal one of the whole would not do: the first takes all, the second a half, the third a third, and so on, which
---together has no bound; and where there are more than there are units, it is less than one.

---@class filo.Share
---@field most integer
---@field part integer
---@field count fun(): integer  how many are here
---@field total integer  that is taken
---@field by table<any, integer>  the same, by who has it
local Share = {}
Share.__index = Share

local function change(self, who, amount)
  local now = (self.by[who] or 0) + amount
  self.total, self.by[who] = self.total + amount, now > 0 and now or nil
end

local Taken = { __close = function(taken) change(taken.share, taken.who, -taken.amount) end }

---Takes so much, until the end of the scope; nil when that is too much.
---@param who any  the same one however often he comes, so not his connection
---@param amount integer  above 0
---@return table?
function Share:take(who, amount)
  local total, own = self.total + amount, (self.by[who] or 0) + amount
  local fits = total <= self.most or own <= self.part and total <= self.most + self.part * self.count()
  if not fits then return nil end
  change(self, who, amount)
  return setmetatable({ share = self, who = who, amount = amount }, Taken)
end

---@param given {most: integer, part: integer, count: fun(): integer}  count: how many are here
---@return filo.Share
return function(given)
  return setmetatable({ most = given.most, part = given.part, count = given.count, total = 0, by = {} }, Share)
end
