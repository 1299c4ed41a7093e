---Loaded before a command, makes `filo serve` wait less long for scripts that compute for ever or will not end, and others less long for a
---node that is silent.

local limits = require "filo.host.limits"

limits.compute, limits.stop, limits.answer = 0.3, 0.3, 0.3
