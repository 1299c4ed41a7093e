---A policy in a file, or in a line of text: called where it can only decide, tried on a few examples, and told with file and line when
---it is no good.

local described = require "filo.placement.described"
local errors = require "filo.base.errors"
local policy = require "filo.placement.policy"
local policy_env = require "filo.sim.policy_env"
local runtime = require "filo.core.runtime"
local trial = require "filo.placement.trial"

local policy_file = {}

---How long loading it, or one of its decisions, may compute.
local COMPUTE_SECONDS = 1

---As tostring, of any value; the same in each run.
local function text_of(value)
  local ok, text = pcall(runtime.pinned, COMPUTE_SECONDS, policy_env.text_of, value)
  return ok and text or ("a %s that cannot be shown"):format(type(value))
end

---What a function raised, with a place where it has none, as when memory runs out.
local function problem_of(fn, problem)
  local text = text_of(problem)
  return text:find "^[^\n]-:%d+: " and text or ("%s: %s"):format(trial.place_of(fn), text)
end

local function pass_on(fn, ok, ...)
  if ok then return true, ... end
  return false, problem_of(fn, (...))
end

---Calls a function that may neither wait nor compute for long. True and what it gives, or false and a text.
function policy_file.call(fn, ...) return pass_on(fn, pcall(runtime.pinned, COMPUTE_SECONDS, fn, ...)) end

---As what a node calls its policy with.
local function pinned(fn, ...) return runtime.pinned(COMPUTE_SECONDS, fn, ...) end

---What is wrong with a policy.
---@param given table
---@return string?
function policy_file.problem(given) return policy.problem(pinned, given) end

---What is wrong with what a file or a text gave.
---@param source string  what it is called
---@param given any
---@return filo.Policy?, filo.Error?
function policy_file.check(source, given)
  if type(given) ~= "table" then
    return errors.fail("invalid", ("%s must return a policy, a table of functions, not a %s"):format(source, type(given)))
  end
  local problem = policy_file.problem(given)
  if not problem then return given end
  return errors.fail("invalid", problem:find "%.lua:%d+: " and problem or ("%s: %s"):format(source, problem))
end

---A pipe that nobody writes to would be waited for.
function policy_file.check_kind(path)
  local kind, err = runtime.kind_of_file(path)
  if not kind then return errors.fail("invalid", ("there is no policy: %s"):format(tostring(err))) end
  if kind == "file" then return true end
  return errors.fail("invalid", ("%s is a %s, and not a file that returns a policy"):format(path, kind))
end

---What a text gives where it can only decide.
local function run(text, chunk_name, env)
  local chunk, problem = load(text, chunk_name, "t", env)
  if not chunk then return nil, errors.new("invalid", problem) end
  local ok, given = policy_file.call(chunk)
  if not ok then return nil, errors.new("invalid", given) end
  return given
end

---The policy that a text makes of those that come with Filo: "copies(3)".
---@param text string
---@return filo.Policy?, filo.Error?
function policy_file.of_text(text)
  local env = setmetatable(policy_env.new { deciding = true }, { __index = policy.shipped() })
  local given, err = run("return " .. text, "=" .. text:sub(1, 60), env)
  if err then return nil, err end
  return policy_file.check("'" .. text .. "'", given)
end

---The policy that the text of a file returns, or that is in what it returns, as of a node.lua.
---@param path string
---@param text string
---@return filo.Policy?, filo.Error?
function policy_file.of_source(path, text)
  local given, err = run(text, "@" .. path, policy_env.new { deciding = true })
  if err then return nil, err end
  return policy_file.check(path, type(given) == "table" and given.place == nil and given.policy or given)
end

---@class filo.sim.Problems
---@field count integer
---@field first? string
---@field over? boolean  a policy has computed for too long

---A failure of what is tried.
---@param problems filo.sim.Problems
---@param text string
function policy_file.note(problems, text) problems.count, problems.first = problems.count + 1, problems.first or text end

---The same policy, whose failures are noted. Once it has computed for too long it is not asked again. What can be told to others in plain
---data stays so: it never fails.
---@param given filo.Policy
---@param problems filo.sim.Problems
---@param gate? filo.sim.Gate  of the globals that it has
---@return filo.Policy policy
function policy_file.watched(given, problems, gate)
  local watched, is_described = {}, described.spec_of(given) ~= nil
  local function settle(ok, ...)
    if gate then gate.deciding = false end
    if ok then return ... end
    local text = (...)
    policy_file.note(problems, text)
    problems.over = problems.over or text:find("computed for too long", 1, true) ~= nil
    error(text, 0)
  end
  for name, value in next, given do
    local is_sure = type(value) ~= "function" or is_described and name == "place"
    watched[name] = is_sure and value or function(...)
      if problems.over then error("it is not asked any more", 0) end
      if gate then gate.deciding = true end
      return settle(policy_file.call(value, ...))
    end
  end
  return watched
end

return policy_file
