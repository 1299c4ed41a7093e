---Small tools for tests of tasks.

local runtime = require "filo.core.runtime"

local support = {}

---Calls fn at the end of the scope.
function support.at_end(fn) return setmetatable({}, { __close = fn }) end

---Lets other tasks have some turns.
function support.turns(n)
  for _ = 1, n or 1 do runtime.sleep(0) end
end

---Waits until it is cancelled.
function support.forever() runtime.suspend() end

function support.nothing() end

return support
