---When copies are looked after: all that lies here each `repair` seconds, and when something has happened; in between what is unwell.
---
---A member that comes back has missed what was to be copied to it, which is known, and says what it has lost (in_step.lua). All is looked
---at only where others may have taken its places.

local at_end = require "filo.host.at_end"
local new_gate = require "filo.host.gate"

---Times are host.now().
---@class filo.Due
---@field all number  when all is looked at again
---@field unwell number  the same of what is unwell
---@field earliest number  neither before that: others come back, too
---@field watched table<string, true>  IDs of members that are away, or were not long ago
local Due = {}
Due.__index = Due

---All is looked at in so many seconds, or sooner where that is to be done anyway.
---@param seconds number
function Due:all_in(seconds)
  self.all = math.max(self.earliest, math.min(self.all, self.host.now() + seconds))
  self.woken:wake()
end

---The same of what is unwell.
---@param seconds number
function Due:unwell_in(seconds)
  self.unwell = math.max(self.earliest, math.min(self.unwell, self.host.now() + seconds))
  self.woken:wake()
end

---Nothing is looked at for so many seconds; then all is.
---@param seconds number
function Due:put_off(seconds) self.all, self.unwell = self.host.now() + seconds, math.huge end

---Seconds until something is looked at.
---@return number
function Due:next_in() return math.max(0, math.min(self.all, self.unwell) - self.host.now()) end

---Waits for that.
function Due:wait()
  while self:next_in() > 0 do self.woken:wait(self:next_in()) end
end

---Something is looked at: whether that is all.
---@param must_be boolean  it is in any case
---@return boolean
function Due:begin(must_be)
  local now = self.host.now()
  local is_all = must_be or self.all <= now
  self.unwell, self.began = math.huge, now
  if is_all then self.all = now + self.host.limits.repair end
  return is_all
end

---It was. However much is asked for, most of the time goes to others.
function Due:rest()
  local now = self.host.now()
  self.earliest = now + self.host.limits.repair_rest * (now - self.began)
end

---A member has come.
---@param away number  seconds for which it was away
function Due:came(away)
  local settle = self.host.limits.repair_settle
  self:unwell_in(settle)
  self.tasks:spawn(function()
    local first = self.graces()[1]
    if first and away >= first then self:all_in(settle) end
  end)
end

local LEAST_PAUSE = 0.01 -- seconds: less may be nothing to a clock

---Waits for the times at which others take the places of a member, unless it comes back.
local function watch(self, away)
  for _, grace in ipairs(self.graces()) do
    local seconds = away()
    while seconds and seconds < grace do
      self.host.sleep(math.max(grace - seconds, LEAST_PAUSE))
      seconds = away()
    end
    if not seconds then return end
    self:all_in(0)
  end
end

---A member has gone.
---@param id string
---@param away fun(): number?  seconds for which it has been away; nil: it is connected
function Due:went(id, away)
  if self.watched[id] then return end
  self.watched[id] = true
  self.tasks:spawn(function()
    local _ <close> = at_end(function() self.watched[id] = nil end)
    watch(self, away)
  end)
end

---@param given {host: filo.Host, tasks: filo.Tasks, graces: fun(): number[]}  graces: the times for which a member that is away keeps its
---  places, of what lies here, rising
---@return filo.Due
return function(given)
  given.earliest = given.host.now() + given.host.limits.repair_start
  given.all, given.unwell, given.watched, given.woken = given.earliest, math.huge, {}, new_gate(given.host)
  return setmetatable(given, Due)
end
