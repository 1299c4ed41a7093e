---Policies: tables of pure functions that decide where copies go and what is accepted.
---
---An object or offer has key_hash, size, version, class, namespace (raw bytes) and, at its owner, key and fields. member.lua says what is
---told of a member.

---What decides where copies go and what is accepted: a table of functions that do nothing else.
---@class filo.Policy
---@field name string  a line for people
---@field place? function  place(object, members, here): members in order, how many of them should hold a copy (all, if left out), and what
---  cannot be met with these, for people
---@field quorum? integer|function  copies, the one here among them, that `store` waits for; or function(object, placed)
---@field grace? number  seconds for which a member that is away keeps its place; 600 by default
---@field keep_versions? integer|table  how many versions each holder keeps of an object that others took the place of; or of each class,
---  with `default`
---@field accept? fun(offer: table, peer: filo.placement.Member, usage: table): boolean, string?  true, or false and a reason
---@field spec? table  of those that come with Filo: plain data from which `policy.from_spec` makes it again

local copy = require "filo.base.copy"
local described = require "filo.placement.described"
local format = require "filo.base.format"
local from_spec = require "filo.placement.from_spec"
local keeping = require "filo.placement.keeping"
local new_everywhere = require "filo.placement.everywhere"
local options = require "filo.base.options"
local pure = require "filo.placement.pure"
local sorted_keys = require "filo.base.sorted_keys"
local trial = require "filo.placement.trial"

local policy = {}

local FIELDS = {
  name = "string", place = "function", quorum = "integer|function", grace = "number", accept = "function", spec = "table",
  keep_versions = "integer|table",
}

---Those that a script writes itself.
local WRITTEN = { "accept", "grace", "keep_versions", "name", "place", "quorum" }

local GRACE = 600

---A script's policy is asked the same again, the first time and each time that so many questions have come.
local ASKED_AGAIN = 8

---Whether two answers of `place` are the same.
local function same(a, b)
  if a.wanted ~= b.wanted or a.lacking ~= b.lacking or type(a.ids) ~= type(b.ids) or #(a.ids or {}) ~= #(b.ids or {}) then return false end
  for i, id in ipairs(a.ids or {}) do
    if id ~= b.ids[i] then return false end
  end
  return true
end

---What Filo's own policies look at of a member: they change nothing of it.
local function glance(member, holds)
  return { id = member.id, capacity = member.capacity, zone = member.zone, tags = member.tags, holds = holds }
end

---`place` of one that comes with Filo, as guarded_place gives others.
local function own_place(place)
  return function(object, members, has, here)
    local seen = {}
    for i, member in ipairs(members) do seen[i] = glance(member, has[member.id] == true) end
    local ids, wanted, lacking = place(object, seen, here)
    for i, member in ipairs(ids) do ids[i] = member.id end
    return { ids = ids, wanted = wanted, lacking = lacking }
  end
end

---`place`, guarded: gives {ids = the IDs of members in a list, or nil, wanted, lacking, moody = another answer to the same question}.
local function guarded_place(pinned, place)
  local asked = 0
  local function answer(object, members, has, here)
    local list, wanted, lacking = place(copy(object), pure.members(members, has), pure.member(here))
    local ids = pure.list(list)
    for i, member in ipairs(ids or {}) do ids[i] = type(member) == "table" and member.id or false end
    return { ids = ids, wanted = wanted, lacking = lacking }
  end
  return pure.wrap(pinned, function(...)
    local given = answer(...)
    asked = asked + 1
    if asked % ASKED_AGAIN == 1 then
      local ok, again = pcall(answer, ...)
      given.moody = not (ok and same(given, again))
    end
    return given
  end)
end

---The policy's functions, guarded.
local function guarded(pinned, given)
  local quorum, accept = given.quorum, given.accept
  local function count(object, placed, has) return quorum(copy(object), pure.members(placed, has)) end
  local function judge(offer, peer, usage) return accept(copy(offer), pure.member(peer), usage) end
  local spec = described.spec_of(given)
  return {
    name = given.name, grace = given.grace or GRACE, keeps = keeping.text(given.keep_versions), spec = spec,
    place = spec and own_place(given.place) or guarded_place(pinned, given.place),
    accept = accept and pure.judge(pinned, judge) or function() return true end,
    judges = accept ~= nil,
    quorum = type(quorum) == "function" and pure.wrap(pinned, count) or quorum,
  }
end

---What is wrong with a field.
---@return string?
local function problem_of(name, value)
  local expected = FIELDS[name]
  if not expected then
    local nearest = options.nearest(tostring(name), WRITTEN)
    local hint = nearest and ("did you mean '%s'?"):format(nearest) or "known are: " .. table.concat(WRITTEN, ", ")
    return ("unknown field '%s'; %s"):format(tostring(name), hint)
  end
  for kind in expected:gmatch "%a+" do
    if type(value) == kind or math.type(value) == kind then return nil end
  end
  local article = expected:find "^[aeiou]" and "an" or "a"
  local given = type(value) == "number" and format.number(value) or "a " .. type(value)
  return ("'%s' must be %s %s, not %s"):format(name, article, expected:gsub("|", " or a "), given)
end

---What is wrong with the fields.
---@return string?
local function problem_of_fields(given)
  for _, name in ipairs(sorted_keys(given, function(a, b) return tostring(a) < tostring(b) end)) do
    local problem = problem_of(name, given[name])
    if problem then return problem end
  end
  if given.name == nil then return "it has no name: give it one, `name = \"two copies\"`, by which it is told of" end
  if given.name == "" then return "its name is empty" end
  local quorum, grace = given.quorum, given.grace
  if math.type(quorum) == "integer" and quorum < 0 then return ("'quorum' must be 0 or more, not %d"):format(quorum) end
  local problem = keeping.problem(given.keep_versions)
  if problem then return "'keep_versions' " .. problem end
  if grace and (grace < 0 or grace ~= grace) then return ("'grace' must be seconds, 0 or more, not %s"):format(grace) end
end

---Where a policy stands, as far as its functions tell.
local function place_of(given)
  for _, name in ipairs { "place", "quorum", "accept" } do
    if type(given[name]) == "function" then return (" (%s)"):format(trial.place_of(given[name])) end
  end
  return ""
end

---Checks a script's policy and tries it on a few examples.
---@param pinned fun(fn: function, ...): ...  calls a function that cannot wait
---@param given table
---@return string? problem
function policy.problem(pinned, given)
  if getmetatable(given) ~= nil then return "policy: it must be a plain table, without a metatable" end
  local problem = problem_of_fields(given)
  if problem then return ("policy%s: %s"):format(place_of(given), problem) end
  local spec = described.spec_of(given)
  local err = spec and select(2, from_spec(spec))
  if err then return ("policy '%s': other nodes could not carry it out: %s"):format(given.name, tostring(err)) end
  if spec and not given.accept then return nil end
  problem = trial.run(pinned, given)
  return problem and ("policy '%s': %s"):format(given.name, problem)
end

---The same, and fills in what it leaves out. Its functions then cannot wait, nor change what they are given. Raises what is wrong with it.
---@param pinned fun(fn: function, ...): ...
---@param given? table  the default when left out: a copy at every member
---@return table
function policy.complete(pinned, given)
  given = given or new_everywhere()
  local problem = policy.problem(pinned, given)
  if problem then error(problem, 0) end
  local complete = { place = new_everywhere().place }
  for name, value in pairs(given) do complete[name] = value end
  return guarded(pinned, complete)
end

-- What scripts get -----------------------------------------------------------------------------------------------------------

local SHIPPED = {
  everywhere = new_everywhere(),
  copies = require "filo.placement.copies",
  zones = require "filo.placement.zones",
  tagged = require "filo.placement.tagged",
  without = require "filo.placement.without",
  both = require "filo.placement.both",
  otherwise = require "filo.placement.otherwise",
  classify = require "filo.placement.classify",
  with = require "filo.placement.with",
  from_spec = require "filo.placement.from_spec",
}

---A name that is none would be the default policy where it is set.
local function refuse(_, name)
  local names = sorted_keys(SHIPPED)
  local nearest = options.nearest(tostring(name), names)
  local hint = nearest and ("did you mean '%s'?"):format(nearest) or "there are: " .. table.concat(names, ", ")
  error(("filo.policy has no '%s'; %s"):format(tostring(name), hint), 2)
end

---The policies that come with Filo, in a table for scripts.
---@return table
function policy.shipped()
  local face = {}
  for name, value in pairs(SHIPPED) do face[name] = value end
  face.everywhere = new_everywhere() -- a script may change it
  return setmetatable(face, { __index = refuse })
end

return policy
