---The globals of a policy or scheme in a simulation. While it decides it can do nothing else, and decides the same in every process; beside
---that, a scheme has the powers of the node on which it runs.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_condition = require "filo.host.condition"
local policy = require "filo.placement.policy"
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"

local SAFE = {
  "assert", "error", "ipairs", "pcall", "rawequal", "rawget", "rawlen", "rawset", "select", "tonumber", "type", "xpcall", "_VERSION",
}

---Libraries of which it gets a copy: what it does to it is nobody else's.
local COPIED = { "math", "string", "table", "utf8" }

---Of `filo.crypto`: what gives the same whenever it is asked.
local PURE_CRYPTO = { "digest", "hasher", "hmac_sha256", "hkdf_sha256", "equal", "hex", "unhex" }

---What it has no business with.
local FORBIDDEN = { "debug", "package", "load", "loadfile", "collectgarbage" }

---Of what only schemes have: nothing, while they decide.
local LIBRARIES = { "coroutine", "io", "os" }

---Whether something is being decided.
---@class filo.sim.Gate
---@field deciding boolean

---@param gate filo.sim.Gate
local function refuse(gate, what, level)
  local why = gate.deciding and "a policy only decides" or "a simulated node has its disk and its peers, and no more"
  error(("%s: it cannot use %s"):format(why, what), level + 1)
end

---What stands for something that it has no business with.
local function forbidden(name, gate)
  return setmetatable({}, {
    __index = function(_, field) refuse(gate, ("%s.%s"):format(name, tostring(field)), 2) end,
    __call = function() refuse(gate, name, 2) end,
    __metatable = false,
  })
end

---A library: what it has in any case, and, while nothing is being decided, the node's powers.
---@param gate filo.sim.Gate
---@param name string
---@param always table
---@param powers? table<string, function>
local function library(gate, name, always, powers)
  local guarded = {}
  for field, fn in pairs(powers or {}) do
    guarded[field] = function(...)
      if gate.deciding then refuse(gate, name .. "." .. field, 2) end
      return fn(...)
    end
  end
  return setmetatable(always, {
    __index = function(_, field) return guarded[field] or refuse(gate, ("%s.%s"):format(name, tostring(field)), 2) end,
    __metatable = false,
  })
end

local function pick(from, names)
  local picked = {}
  for _, name in ipairs(names) do picked[name] = from[name] end
  return picked
end

---What `require "filo"` gives there.
local function public(gate, powers)
  return library(gate, "filo", {
    policy = policy.shipped(), channel = task.channel, condition = new_condition, error = function(...) return errors.new(...) end,
    crypto = library(gate, "filo.crypto", pick(crypto, PURE_CRYPTO), powers.crypto),
  }, powers.filo)
end

-- One order -------------------------------------------------------------------------------------------------------------

local RANKS = { number = 1, string = 2, boolean = 3 }

local function is_before(a, b)
  local rank_a, rank_b = RANKS[type(a)] or 4, RANKS[type(b)] or 4
  if rank_a ~= rank_b then return rank_a < rank_b end
  if rank_a == 3 then return not a and b end
  return a < b
end

---The keys of a table: numbers, then texts, then false and true, then another one. Several others have no order but that of their
---addresses.
local function ordered_keys(value, level)
  local keys, others = {}, 0
  for key in pairs(value) do
    keys[#keys + 1] = key
    if not RANKS[type(key)] then others = others + 1 end
  end
  if others > 1 then
    error("keys that are neither numbers nor texts have no order that is the same in each run: take a peer's id as the key", level + 1)
  end
  table.sort(keys, is_before)
  return keys
end

local function check_table(name, value)
  if type(value) ~= "table" then
    error(("bad argument #1 to '%s' (table expected, got %s)"):format(name, type(value)), 3)
  end
end

local function ordered_pairs(value)
  check_table("pairs", value)
  local keys, at = ordered_keys(value, 2), 0
  return function()
    repeat at = at + 1 until keys[at] == nil or value[keys[at]] ~= nil
    return keys[at], value[keys[at]]
  end
end

local function ordered_next(value, key)
  check_table("next", value)
  local keys = ordered_keys(value, 2)
  if key == nil then return keys[1], value[keys[1]] end
  for i, each in ipairs(keys) do
    if each == key then return keys[i + 1], value[keys[i + 1]] end
  end
  error("the key is none of the table's", 2)
end

-- Texts -----------------------------------------------------------------------------------------------------------------

local ADDRESSED = { table = true, ["function"] = true, thread = true, userdata = true }

---As tostring, but with no address: it is another one in each run.
local function text_of(value)
  local meta = ADDRESSED[type(value)] and debug.getmetatable(value)
  if not ADDRESSED[type(value)] or meta and meta.__tostring then return tostring(value) end
  return type(value)
end

---Back to the beginning of the line that shows how far the run is.
local function clear_line() return runtime.is_terminal(2) and "\r\27[K" or "" end

local function texts_of(...)
  local texts = table.pack(...)
  for i = 1, texts.n do texts[i] = text_of(texts[i]) end
  return table.concat(texts, "\t")
end

---The report is on stdout; what a policy prints is not.
local function print_aside(text)
  text = text:gsub("[^\n\t]+", format.printable)
  io.stderr:write(clear_line(), "policy: ", text, "\n")
end

-- Metatables ------------------------------------------------------------------------------------------------------------

---The metatable of what is a policy's own: that of texts is everybody's.
local function own_metatable(value)
  if type(value) == "string" then error("a policy only decides: the metatable of strings is not its own", 2) end
  return getmetatable(value)
end

---A finalizer would run in the midst of something else, where no limit holds.
local function set_metatable(value, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then error("a policy only decides: it cannot use __gc", 2) end
  return setmetatable(value, meta)
end

---Chance is nothing to decide by: whoever asks a policy must get the same answer.
---@param gate filo.sim.Gate
---@param powers? {print?: fun(text: string), dofile?: function, filo?: table, crypto?: table, math?: table, os?: table, coroutine?: table}
---@return table
local function new(gate, powers)
  powers = powers or {}
  local tell, filo = powers.print or print_aside, public(gate, powers)
  local env = {
    pairs = ordered_pairs, next = ordered_next, tostring = text_of, getmetatable = own_metatable, setmetatable = set_metatable,
    print = function(...) tell(texts_of(...)) end, dofile = powers.dofile or forbidden("dofile", gate),
  }
  for _, name in ipairs(SAFE) do env[name] = _G[name] end
  for _, name in ipairs(COPIED) do
    env[name] = {}
    for field, value in pairs(_G[name]) do env[name][field] = value end
  end
  env.math.random, env.math.randomseed = nil, nil
  env.math = library(gate, "math", env.math, powers.math)
  for _, name in ipairs(LIBRARIES) do env[name] = library(gate, name, {}, powers[name]) end
  for _, name in ipairs(FORBIDDEN) do env[name] = forbidden(name, gate) end
  function env.require(name)
    if name == "filo" then return filo end
    refuse(gate, ("the module '%s'"):format(text_of(name)), 2)
  end
  env._G = env
  return env
end

return { new = new, text_of = text_of }
