---Options of a process (spec/support/process.lua) for which permissions of files hold: root gives up what it may beyond them.

local runtime = require "filo.core.runtime"

---@param options table  the program is this one, where none is named
---@return table options
return function(options)
  local pipe <close> = assert(io.popen "id -u")
  if pipe:read "n" ~= 0 then return options end
  local bounded = { "--bounding-set=-dac_override,-dac_read_search", options.program or runtime.program() }
  for name, value in pairs(options) do bounded[math.type(name) and name + 2 or name] = value end
  bounded.program = "setpriv"
  return bounded
end
