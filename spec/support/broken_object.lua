---Loaded before a script, makes every large object come back with one bit changed: whoever compares must notice.

local new_handed_out = require "filo.node.handed_out"

local Object = getmetatable(require "filo.node.object"({ close = function() end }, {}, new_handed_out()))
local chunks = Object.chunks

function Object:chunks()
  local next_piece, first = chunks(self), true
  return function()
    local piece = next_piece()
    if not first or not piece or self.size < 1 << 20 then return piece end
    first = false
    return string.char(piece:byte() ~ 1) .. piece:sub(2)
  end
end
