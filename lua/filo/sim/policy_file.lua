---A policy in a file of its own: loaded where it can only decide, tried on a few examples, and told with file and line when it is no good.

local errors = require "filo.base.errors"
local everywhere = require "filo.placement.everywhere"
local new_copies = require "filo.placement.copies"
local runtime = require "filo.core.runtime"

local policy_file = {}

---How long loading it, or one of its decisions, may compute.
local COMPUTE_SECONDS = 1

local SAFE = {
  "assert", "error", "ipairs", "next", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber",
  "tostring", "type", "xpcall", "_VERSION",
}

---Libraries of which it gets a copy: what it does to it is nobody else's.
local COPIED = { "math", "string", "table", "utf8" }

---What stands for a library that a policy has no business with.
local function forbidden(name)
  return setmetatable({}, {
    __index = function(_, field)
      error(("a policy only decides: it cannot use %s.%s"):format(name, tostring(field)), 2)
    end,
    __call = function() error(("a policy only decides: it cannot use %s"):format(name), 2) end,
    __metatable = false,
  })
end

---What `require "filo"` gives there.
local PUBLIC = forbidden "filo"
rawset(PUBLIC, "policy", { everywhere = everywhere, copies = new_copies })

---As pairs, in an order that is the same in every process: numbers, then texts, then the rest.
local function ordered_pairs(value)
  local keys, rest = {}, {}
  for key in pairs(value) do
    local list = (type(key) == "number" or type(key) == "string") and keys or rest
    list[#list + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    return a < b
  end)
  table.move(rest, 1, #rest, #keys + 1, keys)
  local at = 0
  return function()
    repeat at = at + 1 until keys[at] == nil or value[keys[at]] ~= nil
    return keys[at], value[keys[at]]
  end
end

---The metatable of what is a policy's own: that of texts is everybody's.
local function own_metatable(value)
  if type(value) == "string" then error("a policy only decides: the metatable of strings is not its own", 2) end
  return getmetatable(value)
end

---The globals of a policy. Chance is none of them: whoever asks it must get the same answer.
local function environment()
  local env = { pairs = ordered_pairs, getmetatable = own_metatable }
  for _, name in ipairs(SAFE) do env[name] = _G[name] end
  for _, name in ipairs(COPIED) do
    env[name] = {}
    for field, value in pairs(_G[name]) do env[name][field] = value end
  end
  env.math.random, env.math.randomseed = forbidden "math.random", forbidden "math.randomseed"
  for _, name in ipairs { "io", "os", "debug", "package", "coroutine", "dofile", "load", "loadfile", "collectgarbage" } do
    env[name] = forbidden(name)
  end
  function env.require(name)
    if name == "filo" then return PUBLIC end
    error(("a policy only decides: it cannot use the module '%s'"):format(tostring(name)), 2)
  end
  env._G = env
  return env
end

---Calls a function that may neither wait nor compute for long; as pcall.
local function call(fn, ...) return pcall(runtime.pinned, COMPUTE_SECONDS, fn, ...) end

---Where a function stands.
local function place_of(fn)
  local info = debug.getinfo(fn, "S")
  return ("%s:%d"):format(info.short_src, info.linedefined)
end

local EXAMPLES = {
  objects = {
    { key = "an example", key_hash = ("\1"):rep(32), namespace = ("\2"):rep(32), size = 1000, version = 1 },
    { key_hash = ("\3"):rep(32), namespace = ("\4"):rep(32), size = 1 << 32, version = 2 },
  },
}

local function example_peers(count)
  local peers = {}
  for i = 1, count do
    peers[i] = {
      id = ("%064x"):format(i), address = "10.0.0." .. i, listen = "10.0.0." .. i, about = { name = "n" .. i, zone = "z" .. i % 3 },
      free = i << 30, rtt = i / 1000,
    }
  end
  return peers
end

local function complain(fn, text, ...) return errors.fail("invalid", ("%s: %s"):format(place_of(fn), text:format(...))) end

---What is wrong with what `place` gave.
local function check_placed(place, peers, list, wanted)
  if type(list) ~= "table" then return complain(place, "place must return a list of peers, not a %s", type(list)) end
  local known = {}
  for _, peer in ipairs(peers) do known[peer.id] = true end
  for at, peer in pairs(list) do
    if math.type(at) ~= "integer" or type(peer) ~= "table" or not known[peer.id] then
      return complain(place, "place must return a list of the peers that it was given; there is %s at %s", tostring(peer), tostring(at))
    end
  end
  if wanted ~= nil and (math.type(wanted) ~= "integer" or wanted < 0) then
    return complain(place, "place must return a number of peers as its second result, not %s", tostring(wanted))
  end
  return true
end

local function try_place(policy, object, peers)
  if not policy.place then return true end
  local ok, list, wanted = call(policy.place, object, peers)
  if not ok then return errors.fail("invalid", errors.text(list)) end
  local good, err = check_placed(policy.place, peers, list, wanted)
  if not good or type(policy.quorum) ~= "function" then return good, err end
  local quorum
  ok, quorum = call(policy.quorum, object, list)
  if not ok then return errors.fail("invalid", errors.text(quorum)) end
  if math.type(quorum) ~= "integer" then return complain(policy.quorum, "quorum must return an integer, not %s", tostring(quorum)) end
  return true
end

local function try_accept(policy, object, peers)
  if not policy.accept or not peers[1] then return true end
  local ok, accepted = call(policy.accept, object, peers[1], { free = 1 << 30, total = 1 << 40 })
  if not ok then return errors.fail("invalid", errors.text(accepted)) end
  if type(accepted) ~= "boolean" then return complain(policy.accept, "accept must return true or false, not %s", tostring(accepted)) end
  return true
end

---Tries a policy on a few examples.
---@return true?, filo.Error?
function policy_file.try(policy)
  for _, object in ipairs(EXAMPLES.objects) do
    for _, count in ipairs { 0, 1, 7 } do
      local peers = example_peers(count)
      local ok, err = try_place(policy, object, peers)
      if ok then ok, err = try_accept(policy, object, peers) end
      if not ok then return nil, err end
    end
  end
  return true
end

local FIELDS = { name = "string", place = "function", quorum = "number or function", accept = "function" }

local function check_fields(path, policy)
  if type(policy) ~= "table" then
    return errors.fail("invalid", ("%s must return a policy, a table of functions, not a %s"):format(path, type(policy)))
  end
  for name, value in pairs(policy) do
    local expected = FIELDS[name]
    if not expected then
      return errors.fail("invalid", ("%s: a policy has no field '%s'; known are: accept, name, place, quorum"):format(path, tostring(name)))
    end
    if not expected:find(type(value), 1, true) then
      return errors.fail("invalid", ("%s: '%s' must be a %s, not a %s"):format(path, name, expected, type(value)))
    end
  end
  return true
end

---The policy that a file returns, which was tried.
---@param path string
---@return filo.Policy?, filo.Error?
function policy_file.load(path)
  local chunk, problem = loadfile(path, "t", environment())
  if not chunk then return errors.fail("invalid", problem) end
  local ok, policy = call(chunk)
  if not ok then return errors.fail("invalid", errors.text(policy)) end
  local err
  ok, err = check_fields(path, policy)
  if ok then ok, err = policy_file.try(policy) end
  if not ok then return nil, err end
  return policy
end

---The same policy, whose failures are noted: how many there were, and the first. Once it has computed for too long it is not asked again.
---@return filo.Policy policy, {count: integer, first: string?} problems
function policy_file.watched(policy)
  local problems, watched = { count = 0 }, {}
  local function note(ok, ...)
    if ok then return ... end
    local text = errors.text((...))
    problems.count, problems.first = problems.count + 1, problems.first or text
    problems.over = problems.over or text:find("computed for too long", 1, true) ~= nil
    error(text, 0)
  end
  for name, value in pairs(policy) do
    watched[name] = type(value) ~= "function" and value or function(...)
      if problems.over then error("it is not asked any more", 0) end
      return note(call(value, ...))
    end
  end
  return watched, problems
end

return policy_file
