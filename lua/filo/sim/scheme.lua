---A scheme: what a node.lua returns, a policy and what its node does beside, tried where time is virtual. Or a policy alone.
---
---Its file is run once more in each process of each simulated machine, as node.lua is in each real one, with globals of its own. While it
---is loaded, and while its policy is asked, it can only decide.

local errors = require "filo.base.errors"
local new_part = require "filo.sim.part"
local options = require "filo.base.options"
local policy_env = require "filo.sim.policy_env"
local policy_file = require "filo.sim.policy_file"
local powers_of = require "filo.sim.powers"
local setup = require "filo.node.setup"

---@class filo.sim.Scheme
---@field path string
---@field what "policy"|"scheme"
---@field policy? filo.Policy  as it was loaded first; nil: a copy everywhere
---@field sources table<string, string>  the text of its file, and of those that it runs by dofile
local Scheme = {}
Scheme.__index = Scheme

---What is taken of what it returns.
local TAKEN = {
  policy = { type = "table" }, start = { type = "function" }, quota = { type = "table" }, about = { type = "table|function" },
  put = { type = "function" }, get = { type = "function" }, delete = { type = "function" },
}

---What it may say beside, as a node.lua does: where it listens, whom it knows and what its disk is, the simulated world decides.
local PASSED_OVER = { "http", "log_level" }

local FIELDS = {}
for name, rule in pairs(setup.NODE_RULES) do FIELDS[name] = { type = rule.type } end
for _, name in ipairs(PASSED_OVER) do FIELDS[name] = { type = "string|table" } end
for name, rule in pairs(TAKEN) do FIELDS[name] = rule end

local function is_scheme(given)
  for name in pairs(TAKEN) do
    if given[name] ~= nil then return true end
  end
  return false
end

---What is wrong with what its file returned.
---@return filo.Error?
local function problem_of(path, given)
  local is_table = type(given) == "table" and getmetatable(given) == nil
  if not is_table or not is_scheme(given) then return select(2, policy_file.check(path, given)) end
  local ok, problem = pcall(options.check, path, given, FIELDS, 1)
  if not ok then return errors.new("invalid", problem) end
  return given.policy and select(2, policy_file.check(path, given.policy)) or nil
end

---The text of a file, which is read once; nil, and why there is none.
local function source_of(self, path)
  if not self.sources[path] then
    local file <close>, problem = io.open(path)
    if not file then return nil, problem end
    self.sources[path] = file:read "a" or ""
  end
  return self.sources[path]
end

---What its file returns where it runs.
---@param gate filo.sim.Gate
---@param powers table
---@return boolean ok, any given
local function load_with(self, gate, powers)
  local env
  local function compile(path)
    local text, problem = source_of(self, path)
    if not text then return nil, problem end
    return load(text, "@" .. path, "t", env)
  end
  function powers.dofile(path)
    local chunk, problem = compile(path)
    if not chunk then error(problem, 2) end
    return chunk()
  end
  env = policy_env.new(gate, powers)
  local chunk, problem = compile(self.path)
  if not chunk then return false, problem end
  return policy_file.call(chunk, self.path:match "^(.*)/" or ".")
end

---The scheme, or the policy, that a file returns, which was tried on a few examples.
---@param path string
---@return filo.sim.Scheme?, filo.Error?
function Scheme.load(path)
  local is_file, wrong = policy_file.check_kind(path)
  if not is_file then return nil, wrong end
  local self = setmetatable({ path = path, sources = {} }, Scheme)
  local ok, given = load_with(self, { deciding = true }, powers_of.nowhere())
  local err = not ok and errors.new("invalid", given) or problem_of(path, given)
  if err then return nil, err end
  self.what = is_scheme(given) and "scheme" or "policy"
  if is_scheme(given) then self.policy = given.policy else self.policy = given end
  return self
end

---The scheme in a process; nil: it is a policy, which is the same in all of them.
---@param run filo.sim.Run
---@param problems filo.sim.Problems
---@return filo.sim.Part?
function Scheme:part(run, problems)
  if self.what == "policy" then return nil end
  local part = new_part(run, problems)
  local ok, given = load_with(self, part.gate, powers_of.run(run, function(fn) return part:guarded(fn) end))
  assert(ok, given)
  part:take(given)
  return part
end

return Scheme
