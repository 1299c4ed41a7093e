---Collects all garbage without holding up what else runs: two whole cycles, in steps. What is found in the first, and weak tables have
---until its `__gc` has run, is freed in the second.

local runtime = require "filo.core.runtime"

return function()
  for _ = 1, 2 do
    repeat runtime.sleep(0) until collectgarbage("step", 50)
  end
end
