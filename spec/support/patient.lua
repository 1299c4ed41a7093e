---Loaded before a command, makes it wait for signs of life of other nodes for as long as a machine that has much to do may take.

local limits = require "filo.host.limits"

limits.rival, limits.pulse, limits.sign, limits.hello = 60, 60, 60, 120
