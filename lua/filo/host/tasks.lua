---The tasks of a node, which end with it.

local new_gate = require "filo.host.gate"
local new_set = require "filo.base.set"

---@class filo.Tasks
---@field reason string  why tasks are cancelled
local Tasks = {}
Tasks.__index = Tasks

---@param host filo.Host
---@param reason string
---@return filo.Tasks
local function new(host, reason)
  return setmetatable({ host = host, reason = reason, live = new_set(), ended = new_gate(host), closed = false }, Tasks)
end

local Running = { __close = function(running)
  running.tasks.live:remove(running.task)
  running.tasks.ended:wake()
end }

local function run(self, fn, ...)
  local _ <close> = setmetatable({ tasks = self, task = self.host.current() }, Running)
  return fn(...)
end

---Starts a task; it goes on when the one that calls ends.
---@return filo.Task
function Tasks:spawn(fn, ...)
  local task = self.host.spawn(run, self, fn, ...)
  self.live:add(task)
  if self.closed then task:cancel(self.reason) end
  return task
end

---Cancels all of them, but the one that calls, and each that is started from now on.
function Tasks:close()
  self.closed = true
  local me = self.host.current()
  for _, task in ipairs(self.live:list()) do
    if task ~= me then task:cancel(self.reason) end
  end
end

---Waits until all have ended, but the one that calls; so many seconds at most.
---@param seconds number
function Tasks:wait_ended(seconds)
  local mine = self.live:has(self.host.current()) and 1 or 0
  self.ended:wait_for(function() return self.live.count <= mine end, seconds)
end

return new
