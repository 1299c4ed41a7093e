---The `start` of node.lua. It runs in a task that lasts as long as the node, as does what it starts.
---
---Up to its first wait it is a part of the node's start, which fails with it. Then the node serves, and goes on when it fails.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local root = require "filo.command.root"
local runtime = require "filo.core.runtime"

---Calls it; gives why it failed, with the line.
---@return string? problem
local function call(self, fn)
  local place = ""
  local ok, err = xpcall(fn, function(err)
    if type(err) ~= "string" then place = runtime.where() end
    return err
  end, self.node)
  if ok then return nil end
  if errors.is_cancelled(err) then error(err, 0) end
  return ("%s: start failed: %s%s"):format(root.options_file(self.root), place, errors.text(err))
end

---@param self filo.Service
---@param fn fun(node: filo.Node)
---@return true?, filo.Error? err  it failed before its first wait
return function(self, fn)
  local begun, starts, problem = false, true, nil
  local function tell(text) self:tell("error", text, { event = "start_failed" }) end
  self.node:spawn(function()
    begun = true
    problem = call(self, fn)
    if problem and starts then return end
    if problem then tell(problem .. "; the node goes on") end
    runtime.suspend() -- what it has started lives on
  end)
  local _ <close> = at_end(function(interrupted)
    starts = false
    if interrupted and problem then tell(problem) end
  end)
  repeat runtime.sleep(0) until begun
  if problem then return errors.fail("invalid", problem) end
  return true
end
