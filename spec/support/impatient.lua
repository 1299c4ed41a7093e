---Loaded before a script: clients of what it serves by filo.http are given up sixty times as early.

local filo = require "filo"

local serve = filo.http.serve

function filo.http.serve(address, handler, options)
  local impatient = { stall = 0.5 }
  for name, value in pairs(options or {}) do impatient[name] = value end
  return serve(address, handler, impatient)
end
