---Tells tasks that something has happened, so that they look whether it is what they wait for.
---
---    local bell = new_bell()
---    local line = bell:wait(10, function() return net:logged "ready" end)     -- nil: not within 10 seconds
---    bell:ring()                                                             -- from another task

local runtime = require "filo.core.runtime"

local Bell = {}
Bell.__index = Bell

local function new() return setmetatable({ waiting = {} }, Bell) end

function Bell:ring()
  local waiting = self.waiting
  self.waiting = {}
  for _, task in ipairs(waiting) do runtime.wake(task) end
end

---Calls fn, now and after each ring, until it gives something.
---@param seconds number
---@param fn fun(): any  waits for nothing
---@return any  nil: it was too late
function Bell:wait(seconds, fn)
  local deadline = runtime.now() + seconds
  local result = fn()
  while not result and runtime.now() < deadline do
    table.insert(self.waiting, runtime.current())
    runtime.suspend(deadline - runtime.now())
    result = fn()
  end
  return result
end

return new
