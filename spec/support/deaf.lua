---Runs a script where the flushes that are named fail (deaf_disk.pl); gives what it wrote.
---
---    local out = deaf.run(folder, "fsync,syncfs", [[print(arg[1])]], "argument")

local process = require "spec.support.process"
local runtime = require "filo.core.runtime"

local deaf = {}

function deaf.run(folder, flushes, code, ...)
  local script = folder:write("script.lua", code)
  local result = process.run { program = "perl", "spec/support/deaf_disk.pl", flushes, runtime.program(), script, ... }
  if result.status ~= 0 then error(result.err, 0) end
  return result.out
end

return deaf
