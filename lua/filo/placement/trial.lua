---Tries a policy where it is set, on a few objects and members, so that one that makes no sense is refused there, and not when something
---is stored.

local errors = require "filo.base.errors"
local member = require "filo.placement.member"

local trial = {}

---Where a function stands.
---@param fn function
---@return string
function trial.place_of(fn)
  local info = debug.getinfo(fn, "S")
  return info.what == "main" and info.short_src or ("%s:%d"):format(info.short_src, info.linedefined)
end

---As tostring; the same in each run.
local function text_of(value)
  local meta = type(value) == "table" and debug.getmetatable(value)
  if type(value) == "table" and not (meta and rawget(meta, "__tostring")) then return "a table" end
  return errors.text(value)
end

---What a function raised, with a place where it has none, as when memory runs out.
local function problem_of(fn, problem)
  local text = errors.text(problem)
  return text:find "^[^\n]-:%d+: " and text or ("%s: %s"):format(trial.place_of(fn), text)
end

local function complain(fn, text, ...) return ("%s: %s"):format(trial.place_of(fn), text:format(...)) end

-- Examples ----------------------------------------------------------------------------------------------------------------

local OBJECTS = {
  { key = "an example", fields = {}, key_hash = ("\1"):rep(32), namespace = ("\2"):rep(32), size = 1000, version = 1, class = 0 },
  { key = "another example", fields = {}, key_hash = ("\3"):rep(32), namespace = ("\4"):rep(32), size = 1 << 32, version = 2, class = 9 },
}

---Some tell all that may be told of them, some are away, and the last tells nothing.
local function example_members(count)
  local list = {}
  for i = 1, count do
    local about = { name = "n" .. i, zone = "z" .. i % 3, tags = { "ssd" }, capacity = i << 40 }
    list[i] = member.new({
      id = ("%064x"):format(i), address = "10.0.0." .. i, listen = "10.0.0." .. i, about = about, free = i << 30, rtt = i / 1000,
    }, i % 3 == 0 and "away" or "up", i * 100)
    list[i].holds = i % 2 == 0
  end
  if count > 1 then list[count] = member.new({ id = ("%064x"):format(count), about = {} }, "up", 0) end
  return list
end

local function example_here()
  return member.new({ id = ("f"):rep(64), address = "10.0.0.99", listen = "10.0.0.99", about = { zone = "z0" } }, "up", 0)
end

local COUNTS = { 0, 1, 7 }

-- Trying ------------------------------------------------------------------------------------------------------------------

---What is wrong with what `place` gave.
local function check_placed(place, members, list, wanted, lacking)
  if type(list) ~= "table" then return complain(place, "place must return a list of members, not %s", text_of(list)) end
  if debug.getmetatable(list) then return complain(place, "place must return a plain list, without a metatable") end
  local known, count = {}, 0
  for _, each in ipairs(members) do known[each.id] = true end
  for at, each in next, list do
    count = count + 1
    if math.type(at) ~= "integer" or type(each) ~= "table" or not known[rawget(each, "id")] then
      return complain(place, "place must return a list of the members that it was given; there is %s at %s", text_of(each), text_of(at))
    end
  end
  if count ~= #list then return complain(place, "place must return a list of members, without gaps") end
  if wanted ~= nil and (math.type(wanted) ~= "integer" or wanted < 0) then
    return complain(place, "place must return a number of members as its second result, not %s", text_of(wanted))
  end
  if lacking ~= nil and type(lacking) ~= "string" then
    return complain(place, "place must return a text as its third result, what cannot be met, not %s", text_of(lacking))
  end
end

local function try_place(pinned, policy, object, members)
  if not policy.place then return end
  local ok, list, wanted, lacking = pcall(pinned, policy.place, object, members, example_here())
  if not ok then return problem_of(policy.place, list) end
  local problem = check_placed(policy.place, members, list, wanted, lacking)
  if problem or type(policy.quorum) ~= "function" then return problem end
  local quorum
  ok, quorum = pcall(pinned, policy.quorum, object, list)
  if not ok then return problem_of(policy.quorum, quorum) end
  if quorum ~= nil and math.type(quorum) ~= "integer" then
    return complain(policy.quorum, "quorum must return an integer, not %s", text_of(quorum))
  end
end

local function try_accept(pinned, policy, object, tombstone, peer)
  if not policy.accept then return end
  local offer = {
    key_hash = object.key_hash, namespace = object.namespace, size = tombstone and 0 or object.size, version = object.version,
    class = object.class, tombstone = tombstone,
  }
  local usage = { -- a table for each trial: a policy may change what it is given
    free = 1 << 30, total = 1 << 40, objects = 2, bytes = 1 << 20, owner = { objects = 1, bytes = 1 << 19 },
    member = { objects = 2, bytes = 1 << 20 },
  }
  local ok, accepted = pcall(pinned, policy.accept, offer, peer, usage)
  if not ok then return problem_of(policy.accept, accepted) end
  if type(accepted) ~= "boolean" then return complain(policy.accept, "accept must return true or false, not %s", text_of(accepted)) end
end

local function copy_of(object)
  local made = { fields = {} }
  for name, value in pairs(object) do made[name] = made[name] or value end
  return made
end

---What is wrong with a policy whose fields are of the right types; nil: nothing was found.
---@param pinned fun(fn: function, ...): ...  calls a function that cannot wait
---@param policy filo.Policy
---@return string?
function trial.run(pinned, policy)
  for _, object in ipairs(OBJECTS) do
    for _, count in ipairs(COUNTS) do
      local problem = try_place(pinned, policy, copy_of(object), example_members(count))
      if problem then return problem end
    end
    for _, tombstone in ipairs { false, true } do
      local problem = try_accept(pinned, policy, object, tombstone, example_members(1)[1])
      if problem then return problem end
    end
  end
end

return trial
