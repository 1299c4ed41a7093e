---The watch over what should move: when next to nothing has moved for so long, it is to be given up. Less than limits.least_bytes counts
---as nothing, so that a trickle keeps nobody waiting; fewer do where what moves is slow on purpose.

local rates = require "filo.host.rates"

---@class filo.StallWatch
local StallWatch = {}
StallWatch.__index = StallWatch

---When it is to be given up, if nothing moves from now on.
---@param seconds number  without progress
---@return number  on the clock of host.now
function StallWatch:deadline(seconds)
  local bytes = self.bytes()
  if bytes >= self.seen + self:least(seconds) then self.seen, self.since = bytes, self.host.now() end
  return self.since + seconds
end

---@param seconds number  without progress
---@return boolean
function StallWatch:stalled(seconds) return self:deadline(seconds) <= self.host.now() end

---Waits for the end of something that moves `total` bytes, as long as it moves them: `stall` seconds without progress, and then, when
---all have moved, `last` seconds (nil: as long as it takes).
---@param total integer
---@param stall number
---@param last? number
---@param join fun(seconds?: number): boolean, ...  waits so long: whether it has ended, and what came of it
---@return boolean ended, any ...  and what came of it; false, and whether all bytes had moved
function StallWatch:wait(total, stall, last, join)
  local moved = 0
  while true do
    local whole = moved >= total
    local seconds = stall
    if whole then seconds = last end
    local results = table.pack(join(seconds))
    if results[1] then return table.unpack(results, 1, results.n) end
    local bytes = self.bytes()
    if whole or bytes < math.min(moved + self:least(stall), total) then return false, whole end
    moved = bytes
  end
end

---What counts as progress.
---@private
---@param seconds number
---@return number  bytes
function StallWatch:least(seconds)
  local most = self.host.limits.least_bytes
  return self.rate and rates.progress(most, self.rate(), seconds) or most
end

---@param host filo.Host
---@param bytes fun(): integer  moved so far
---@param rate? fun(): number?  bytes a second to which one of the two ends keeps; nil: neither does
---@return filo.StallWatch
return function(host, bytes, rate)
  return setmetatable({ host = host, bytes = bytes, rate = rate, seen = bytes(), since = host.now() }, StallWatch)
end
