---Tells on standard error how far the catalogue is that a command waits for, when that takes longer than a moment.

local Client = require "filo.command.control.client"
local at_end = require "filo.host.at_end"
local failures = require "filo.command.failures"
local filo = require "filo"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local runtime = require "filo.core.runtime"

local PATIENCE, PAUSE, PAUSE_IN_LOG = 0.5, 0.5, 10

---How many objects it has seen by now: this process, or the node that runs beside it.
---@return integer? seen  nil: it is there, or is not being made
local function seen_so_far(node)
  local state, seen = inside.of(node).catalogue:state()
  if state == "rebuilding" then return seen end
  if state ~= "opening" then return nil end
  local client <close> = Client.open(node.root)
  local status = client and client:ask "status"
  return status and status.catalogue.state == "rebuilding" and status.catalogue.seen or nil
end

local function watch(node, command, on_terminal)
  filo.sleep(PATIENCE)
  while true do
    local seen = seen_so_far(node)
    local text = seen and ("the catalogue is being made: %s so far"):format(format.count(seen, "object", "objects"))
    if on_terminal then
      io.stderr:write("\r\27[K", text and ("filo %s: %s"):format(command, text) or "")
    elseif text then
      failures.tell(command, text)
    end
    filo.sleep(on_terminal and PAUSE or PAUSE_IN_LOG)
  end
end

---Until the end of the scope.
---@param node filo.Node
---@param command string  its name
return function(node, command)
  local on_terminal = runtime.is_terminal(2)
  local task = filo.spawn(watch, node, command, on_terminal):observe()
  return at_end(function()
    task:cancel()
    if on_terminal then io.stderr:write "\r\27[K" end
  end)
end
