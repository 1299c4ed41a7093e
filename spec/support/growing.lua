---Loaded before `filo serve`, lets a file grow each time it is read to be stored: the one that $GROWING names, as long as there is one of
---that name with ".grows" after it.

local nodes = require "spec.support.nodes"
local while_read = require "spec.support.while_read"

local path = os.getenv "GROWING"

while_read(function()
  if not nodes.exists(path .. ".grows") then return end
  local file <close> = assert(io.open(path, "ab"))
  assert(file:write "x")
end)
