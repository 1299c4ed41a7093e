---Other deadlines and bounds for a spec: `local _ <close> = limits { stall = 0.2 }`.

local limits = require "filo.host.limits"

return function(given)
  local before = {}
  for name, value in pairs(given) do
    before[name] = assert(limits[name], name)
    limits[name] = value
  end
  return setmetatable({}, { __close = function()
    for name, value in pairs(before) do limits[name] = value end
  end })
end
