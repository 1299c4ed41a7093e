---A policy in a file of its own: loaded where it can only decide, tried on a few examples, and told with file and line when it is no good.

local errors = require "filo.base.errors"
local policy_env = require "filo.sim.policy_env"
local runtime = require "filo.core.runtime"

local policy_file = {}

---How long loading it, or one of its decisions, may compute.
local COMPUTE_SECONDS = 1

---Where a function stands.
local function place_of(fn)
  local info = debug.getinfo(fn, "S")
  return info.what == "main" and info.short_src or ("%s:%d"):format(info.short_src, info.linedefined)
end

---As tostring, of any value; the same in each run.
local function text_of(value)
  local ok, text = pcall(runtime.pinned, COMPUTE_SECONDS, policy_env.text_of, value)
  return ok and text or ("a %s that cannot be shown"):format(type(value))
end

---What a function raised, with a place where it has none, as when memory runs out.
local function problem_of(fn, problem)
  local text = text_of(problem)
  return text:find "^[^\n]-:%d+: " and text or ("%s: %s"):format(place_of(fn), text)
end

local function pass_on(fn, ok, ...)
  if ok then return true, ... end
  return false, problem_of(fn, (...))
end

---Calls a function that may neither wait nor compute for long. True and what it gives, or false and a text.
local function call(fn, ...) return pass_on(fn, pcall(runtime.pinned, COMPUTE_SECONDS, fn, ...)) end

local EXAMPLES = {
  objects = {
    { key = "an example", fields = {}, key_hash = ("\1"):rep(32), namespace = ("\2"):rep(32), size = 1000, version = 1, class = 0 },
    { key = "another", fields = {}, key_hash = ("\3"):rep(32), namespace = ("\4"):rep(32), size = 1 << 32, version = 2, class = 9 },
  },
}

local function example_peers(count)
  local peers = {}
  for i = 1, count do
    peers[i] = {
      id = ("%064x"):format(i), address = "10.0.0." .. i, listen = "10.0.0." .. i, about = { name = "n" .. i, zone = "z" .. i % 3 },
      free = i << 30, rtt = i / 1000, holds = i % 2 == 0,
    }
  end
  return peers
end

local function complain(fn, text, ...) return errors.fail("invalid", ("%s: %s"):format(place_of(fn), text:format(...))) end

---What is wrong with what `place` gave.
local function check_placed(place, peers, list, wanted)
  if type(list) ~= "table" then return complain(place, "place must return a list of peers, not a %s", type(list)) end
  if debug.getmetatable(list) then return complain(place, "place must return a plain list, without a metatable") end
  local known = {}
  for _, peer in ipairs(peers) do known[peer.id] = true end
  for at, peer in next, list do
    if math.type(at) ~= "integer" or type(peer) ~= "table" or not known[rawget(peer, "id")] then
      return complain(place, "place must return a list of the peers that it was given; there is %s at %s", text_of(peer), text_of(at))
    end
  end
  if wanted ~= nil and (math.type(wanted) ~= "integer" or wanted < 0) then
    return complain(place, "place must return a number of peers as its second result, not %s", text_of(wanted))
  end
  return true
end

local function try_place(policy, object, peers)
  if not policy.place then return true end
  local ok, list, wanted = call(policy.place, object, peers)
  if not ok then return errors.fail("invalid", list) end
  local good, err = check_placed(policy.place, peers, list, wanted)
  if not good or type(policy.quorum) ~= "function" then return good, err end
  local quorum
  ok, quorum = call(policy.quorum, object, list)
  if not ok then return errors.fail("invalid", quorum) end
  if math.type(quorum) ~= "integer" then return complain(policy.quorum, "quorum must return an integer, not %s", text_of(quorum)) end
  return true
end

local function try_accept(policy, object, peers)
  if not policy.accept or not peers[1] then return true end
  local offer = {
    key_hash = object.key_hash, namespace = object.namespace, size = object.size, version = object.version, class = object.class,
  }
  local ok, accepted = call(policy.accept, offer, peers[1], { free = 1 << 30, total = 1 << 40 })
  if not ok then return errors.fail("invalid", accepted) end
  if type(accepted) ~= "boolean" then return complain(policy.accept, "accept must return true or false, not %s", text_of(accepted)) end
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

---The fields of what a file returned, checked, in a table without a metatable.
---@return filo.Policy?, filo.Error?
local function take_fields(path, policy)
  if type(policy) ~= "table" then
    return errors.fail("invalid", ("%s must return a policy, a table of functions, not a %s"):format(path, type(policy)))
  end
  if getmetatable(policy) ~= nil then
    return errors.fail("invalid", ("%s must return a plain table, without a metatable"):format(path))
  end
  local fields = {}
  for name, value in next, policy do
    local expected = FIELDS[name]
    if not expected then
      return errors.fail("invalid", ("%s: a policy has no field '%s'; known are: accept, name, place, quorum"):format(path, text_of(name)))
    end
    if not expected:find(type(value), 1, true) then
      return errors.fail("invalid", ("%s: '%s' must be a %s, not a %s"):format(path, name, expected, type(value)))
    end
    fields[name] = value
  end
  local quorum = fields.quorum
  if type(quorum) == "number" and (math.type(quorum) ~= "integer" or quorum < 0) then
    return errors.fail("invalid", ("%s: 'quorum' must be a whole number from 0 on, not %s"):format(path, quorum))
  end
  return fields
end

---A pipe that nobody writes to would be waited for.
local function check_kind(path)
  local kind, err = runtime.kind_of_file(path)
  if not kind then return errors.fail("invalid", ("there is no policy: %s"):format(tostring(err))) end
  if kind == "file" then return true end
  return errors.fail("invalid", ("%s is a %s, and not a file that returns a policy"):format(path, kind))
end

---The policy that a file returns, which was tried.
---@param path string
---@return filo.Policy?, filo.Error?
function policy_file.load(path)
  local is_file, wrong = check_kind(path)
  if not is_file then return nil, wrong end
  local chunk, problem = loadfile(path, "t", policy_env.new())
  if not chunk then return errors.fail("invalid", problem) end
  local ok, given = call(chunk)
  if not ok then return errors.fail("invalid", given) end
  local policy, err = take_fields(path, given)
  if policy then ok, err = policy_file.try(policy) end
  if not policy or not ok then return nil, err end
  return policy
end

---The same policy, whose failures are noted: how many there were, and the first. Once it has computed for too long it is not asked again.
---@return filo.Policy policy, {count: integer, first: string?} problems
function policy_file.watched(policy)
  local problems, watched = { count = 0 }, {}
  local function note(ok, ...)
    if ok then return ... end
    local text = (...)
    problems.count, problems.first = problems.count + 1, problems.first or text
    problems.over = problems.over or text:find("computed for too long", 1, true) ~= nil
    error(text, 0)
  end
  for name, value in next, policy do
    watched[name] = type(value) ~= "function" and value or function(...)
      if problems.over then error("it is not asked any more", 0) end
      return note(call(value, ...))
    end
  end
  return watched, problems
end

return policy_file
