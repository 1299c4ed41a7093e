---Rates: how many bytes a second of content this node sends and receives, over all its connections. The core has streams keep to them; who
---sends content within a message waits here, in the same line. They may be a function of the time of day, which is asked each minute.

local bytes = require "filo.base.bytes"

---@class filo.Pace
---@field up? integer  bytes a second; nil: as many as go
---@field down? integer

---@class filo.Rates
---@field now filo.Pace
---@field core filo.core.Rates
local Rates = {}
Rates.__index = Rates

---Less would starve what is under way.
local LEAST = 1024

---Of what moves at a rate, a stream may get one part in so many: there may be that many, and more than twice.
local STREAMS = 256

---@param given {host: filo.Host, tasks: filo.Tasks, tell: fun()}  tell: peers are to know them
---@return filo.Rates
local function new(given)
  return setmetatable({ host = given.host, tasks = given.tasks, tell = given.tell, now = {}, core = assert(given.host.net.rates()) }, Rates)
end

---Reads what a script says; or nil and what is wrong with it.
---@return filo.Pace?, string? problem
local function read(given)
  if given == nil then return {} end
  if type(given) ~= "table" then return nil, ("must be a table such as { up = \"1 MB\" }, not a %s"):format(type(given)) end
  local pace = { up = given.up, down = given.down }
  for name in pairs(given) do
    if name ~= "up" and name ~= "down" then return nil, ("unknown field '%s'; known are: down, up"):format(tostring(name)) end
  end
  local problem = bytes.read_each(pace, { "up", "down" })
  if problem then return nil, problem end
  if math.min(pace.up or LEAST, pace.down or LEAST) < LEAST then
    return nil, ("must be %d bytes a second or more: leave out what is not to be bounded"):format(LEAST)
  end
  return pace
end

---What a function is told of the time, on this machine's clock: weekday is 1 on Mondays and 7 on Sundays.
local function time_of(host)
  local date = os.date("*t", host.time() // 1000000)
  return {
    year = date.year, month = date.month, day = date.day, hour = date.hour, minute = date.min, weekday = (date.wday + 5) % 7 + 1,
  }
end

---@param given table|(fun(now: table): table?)|nil  the option; a function cannot wait
---@return filo.Pace?, string? problem
local function evaluate(host, given)
  if type(given) ~= "function" then return read(given) end
  local ok, result = pcall(given, time_of(host))
  if not ok then return nil, tostring(result) end
  return read(result)
end

local function apply(self, given)
  local pace, problem = evaluate(self.host, given)
  if not pace then
    if self.told ~= problem then self.host.log("error", "rates stay what they were: " .. problem) end
    self.told = problem
    return
  end
  self.told = nil
  if pace.up == self.now.up and pace.down == self.now.down then return end
  self.now = pace
  self.core:set(pace.up or 0, pace.down or 0)
  self.tell()
end

local function seconds_to_next_minute(host) return 60 - host.time() / 1e6 % 60 end

---These hold from now on.
---@param given table|function|nil  the option
function Rates:use(given)
  if self.clock then self.clock:cancel "other rates hold" end
  self.clock = nil
  apply(self, given)
  if type(given) ~= "function" then return end
  self.clock = self.tasks:spawn(function()
    while true do
      self.host.sleep(seconds_to_next_minute(self.host))
      apply(self, given)
    end
  end)
end

---Waits until so many bytes of content may go within a message.
---@param way "up"|"down"
---@param count integer
function Rates:wait(way, count)
  if self.now[way] and count > 0 then self.core:wait(way, count) end
end

---For what has time: waits until there is room in a rate that nobody else wants. To be called before each piece that is sent or fetched.
---@param way "up"|"down"
function Rates:wait_idle(way)
  if self.now[way] then self.core:wait_idle(way) end
end

---How many bytes of one stream are progress in some seconds, where so many a second may move at all.
---@param most integer  where there is no rate
---@param rate? number
---@param seconds number
---@return number
local function progress(most, rate, seconds)
  return rate and math.max(1, math.min(most, rate * seconds / STREAMS)) or most
end

return { new = new, evaluate = evaluate, progress = progress, LEAST = LEAST }
