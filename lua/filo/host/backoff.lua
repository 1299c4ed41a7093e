---Pauses between tries: each twice as long as the last, up to the longest, and random by half, so that many who try do not do it at once.

---@class filo.Backoff
local Backoff = {}
Backoff.__index = Backoff

---@param host filo.Host
---@param first number  seconds, of the first pause
---@param longest? number
---@return filo.Backoff
local function new(host, first, longest)
  return setmetatable({ host = host, first = first, longest = longest or math.huge, pause = first }, Backoff)
end

---Waits until the next try.
function Backoff:wait()
  local pause = self.pause
  self.pause = math.min(pause * 2, self.longest)
  self.host.sleep(pause * (0.5 + self.host.random(1):byte() / 256))
end

---It went well: the next pause is the first one again.
function Backoff:reset() self.pause = self.first end

return new
