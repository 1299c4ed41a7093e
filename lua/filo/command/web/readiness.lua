---Whether a node can be asked for what it has: its catalogue tells.

local filo = require "filo"
local inside = require "filo.base.inside"

---Seconds between two looks.
local PAUSE = 0.05

local readiness = {}

---@param node filo.Node
---@return string?  why it cannot
function readiness.problem(node)
  local state, seen = inside.of(node).catalogue:state()
  if state == "ready" then return nil end
  if state == "failed" then return "the catalogue cannot be used: the log tells why" end
  return ("the catalogue is being made, %d objects so far"):format(seen)
end

---The same, of one that may be ready in so many seconds.
---@param node filo.Node
---@param seconds number
---@return string?
function readiness.wait(node, seconds)
  local deadline = filo.now() + seconds
  while true do
    local why = readiness.problem(node)
    local left = deadline - filo.now()
    if not why or left <= 0 or inside.of(node).catalogue:state() == "failed" then return why end
    filo.sleep(math.min(PAUSE, left))
  end
end

return readiness
