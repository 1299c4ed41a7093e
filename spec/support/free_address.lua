---An address of this machine where nobody listens.

local filo = require "filo"

return function()
  local listener <close> = assert(filo.listen "127.0.0.1:0")
  return listener:address()
end
