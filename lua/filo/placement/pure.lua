---A script's functions that only decide: tables in, decisions out. They cannot wait, what they are given is theirs to change, and what
---they raise is a text.

local copy = require "filo.base.copy"
local errors = require "filo.base.errors"

local pure = {}

local function results(ok, ...)
  if not ok then error(errors.text((...)), 0) end
  return ...
end

---The function as one that cannot wait.
---@param pinned fun(fn: function, ...): ...  calls a function that cannot wait
function pure.wrap(pinned, fn)
  return function(...) return results(pcall(pinned, fn, ...)) end
end

---The same for a function that says yes or no, and why.
function pure.judge(pinned, fn)
  local function judge(...)
    local verdict, reason = fn(...)
    return verdict, reason ~= nil and errors.text(reason) or nil
  end
  return pure.wrap(pinned, judge)
end

---What a policy may know of a member: a copy.
---@param member filo.placement.Member
---@param holds? boolean  that it has a copy
---@return filo.placement.Member
function pure.member(member, holds)
  return setmetatable({
    id = member.id, address = member.address, listen = member.listen, about = copy(member.about), name = member.name, zone = member.zone,
    tags = copy(member.tags), capacity = member.capacity, free = member.free, rtt = member.rtt, state = member.state, since = member.since,
    holds = holds,
  }, getmetatable(member))
end

---The same of all members of a list.
---@param list filo.placement.Member[]
---@param has table<string, boolean>  by ID: who has a copy
function pure.members(list, has)
  local copies = {}
  for i, member in ipairs(list) do copies[i] = pure.member(member, has[member.id] == true) end
  return copies
end

---The entries of a list that a script gave, or nil when it is none.
function pure.list(given)
  if type(given) ~= "table" then return nil end
  local list = {}
  for i, each in ipairs(given) do list[i] = each end
  for at in pairs(given) do
    if not list[at] then return nil end
  end
  return list
end

return pure
