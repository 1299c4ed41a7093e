---A condition that tasks wait for: something that others change, and tell of.

local format = require "filo.base.format"
local inside = require "filo.base.inside"
local new_gate = require "filo.host.gate"
local runtime = require "filo.core.runtime"

---@class filo.Condition
local Condition = {}
Condition.__index = Condition

local function gate_of(self, name, seconds)
  local gate = inside.of(self)
  if not gate then error(name .. ": a condition expected: is there a dot in place of the colon?", 3) end
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds) then error(name .. ": a number of seconds expected", 3) end
  return gate
end

---Waits until somebody calls `notify`. False: the deadline passed first.
---@param seconds? number
---@return boolean
function Condition:wait(seconds) return gate_of(self, "wait", seconds):wait(seconds) end

---Waits until test() gives something true, and gives that. It is called now, and after each `notify`; what it gives last, which is nil or
---false, after the deadline.
---@param test fun(): any
---@param seconds? number
---@return any
function Condition:wait_for(test, seconds)
  local gate = gate_of(self, "wait_for", seconds)
  if type(test) ~= "function" then error("wait_for: a function expected", 2) end
  return gate:wait_for(test, seconds)
end

---Lets all go on that wait now.
function Condition:notify() gate_of(self, "notify"):wake() end

function Condition:__tostring()
  local line = inside.of(self).line
  return ("condition, for which %s"):format(format.count(line and #line or 0, "task waits", "tasks wait"))
end

---A new one.
---@return filo.Condition
return function() return inside.keep(setmetatable({}, Condition), new_gate(runtime)) end
