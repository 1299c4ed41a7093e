---A scheme in a process of a simulated machine: what its node is given, what it does beside, and what of that fails.

local errors = require "filo.base.errors"
local inside = require "filo.base.inside"
local policy_file = require "filo.sim.policy_file"
local runtime = require "filo.core.runtime"

---@class filo.sim.Part
---@field gate filo.sim.Gate
---@field policy? filo.Policy  whose failures are noted
---@field options table  others that its node is given
---@field calls table<string, function>  put, get, delete: what its users do in place of the node's calls
local Part = {}
Part.__index = Part

---@param run filo.sim.Run
---@param problems filo.sim.Problems
---@return filo.sim.Part
local function new(run, problems) return setmetatable({ run = run, problems = problems, gate = { deciding = true }, calls = {} }, Part) end

---What an error says, with the line where it was raised, also where it does not say that itself, as one that `assert` passes on.
local function placed(err)
  if type(err) == "string" or errors.is_cancelled(err) then return err end
  return runtime.where() .. errors.text(err)
end

---The same function, whose failures are noted.
function Part:guarded(fn)
  local function pass_on(ok, ...)
    if ok then return ... end
    local err = (...)
    if not errors.is_cancelled(err) then policy_file.note(self.problems, err) end
    error(err, 0)
  end
  return function(...) return pass_on(xpcall(fn, placed, ...)) end
end

---One of its functions, which its users call in place of the node's: when it fails, that is a failure like others.
local function call_of(self, fn)
  local guarded = self:guarded(fn)
  local function give(ok, ...)
    if ok then return ... end
    return errors.fail("io", errors.text((...)))
  end
  return function(...) return give(errors.try(guarded, ...)) end
end

---What its file has returned: from now on it may do more than decide.
function Part:take(given)
  local about = given.about
  if type(about) == "function" then
    local ok, told = policy_file.call(about, self.run.machine.index)
    if not ok then policy_file.note(self.problems, told) end
    about = ok and told or nil
  end
  self.policy = given.policy and policy_file.watched(given.policy, self.problems, self.gate)
  self.options = { quota = given.quota, about = about }
  for _, name in ipairs { "put", "get", "delete" } do self.calls[name] = given[name] and call_of(self, given[name]) end
  self.begin = given.start and self:guarded(given.start)
  self.gate.deciding = false
end

---What fails in a node's tasks and is noted, is not printed as well.
local function watch_tasks(self, node)
  local tasks = inside.of(node).tasks
  local spawn = tasks.spawn
  function tasks.spawn(...)
    local _, fn = ...
    return spawn(tasks, self:guarded(fn), select(3, ...)):observe()
  end
end

---The node serves: what it does beside begins, in a task that lasts as long as the node.
---@param node filo.Node
function Part:start(node)
  local begin = self.begin
  if not begin then return end
  watch_tasks(self, node)
  node:spawn(function()
    begin(node)
    runtime.suspend() -- what it has started lives on
  end):limit(self.run.world.limits.compute)
end

---How the log tells that a hook or a handler has failed.
local FAILURES = { "^the hook '", "^the handler of '", "^the answer to '" }

---A line of the node's log.
function Part:hear(level, message)
  for _, pattern in ipairs(self.begin and level == "error" and FAILURES or {}) do
    if message:find(pattern) then policy_file.note(self.problems, message) end
  end
end

return new
