---Loaded before a command, makes `filo serve` wait less long for scripts that compute for ever or will not end.

local limits = require "filo.host.limits"

limits.compute, limits.stop = 0.3, 0.3
