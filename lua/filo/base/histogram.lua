---How often something took how long: counts of what was at most so many seconds.

---@class filo.Histogram
---@field bounds number[]  seconds, growing
---@field counts integer[]  of each bound, of what was at most that, and more than the one before; the last: of what was more than all
---@field sum number  seconds
local Histogram = {}
Histogram.__index = Histogram

---From a tenth of a millisecond, as a small object that is here takes, to two minutes.
local BOUNDS = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120 }

---@return filo.Histogram
local function new()
  local counts = {}
  for i = 1, #BOUNDS + 1 do counts[i] = 0 end
  return setmetatable({ bounds = BOUNDS, counts = counts, sum = 0 }, Histogram)
end

---@param seconds number
function Histogram:add(seconds)
  local at = 1
  while at <= #BOUNDS and seconds > BOUNDS[at] do at = at + 1 end
  self.counts[at] = self.counts[at] + 1
  self.sum = self.sum + seconds
end

return new
