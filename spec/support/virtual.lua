---A test on virtual time: what it waits for takes no longer than computing it.
---
---    it("...", virtual(function(host) ... end))

local host = require "filo.host.real"
local runtime = require "filo.core.runtime"

return function(fn)
  return function() runtime.virtual(fn, host):observe():join() end
end
