---A policy as a part of another.

local choose = require "filo.placement.choose"
local new_everywhere = require "filo.placement.everywhere"

local part = {}

local EVERYWHERE = new_everywhere()

---What is wrong with what was given as a part.
local function problem_of(given)
  if type(given) ~= "table" then return ("a policy expected, not a %s"):format(type(given)) end
  if getmetatable(given) ~= nil then return "a policy expected, a plain table without a metatable" end
  if type(given.name) ~= "string" then return "a policy expected, a table with a name and functions" end
  local is_place = given.place == nil or type(given.place) == "function"
  return not is_place and ("'place' of the policy '%s' must be a function"):format(given.name) or nil
end

---Checks a part. Misuse is an error at the line of the caller's caller.
---@param what string  who takes it
---@param given any
---@return filo.Policy
function part.check(what, given)
  local problem = problem_of(given)
  if problem then error(("policy.%s: %s"):format(what, problem), 3) end
  return given
end

---The same of one among several, which has no say in what is of the whole.
---@param what string
---@param given any
---@param ... string  fields that it must not have
---@return filo.Policy
function part.check_one(what, given, ...)
  local problem = problem_of(given)
  for _, field in ipairs { ... } do
    if not problem and given[field] ~= nil then
      problem = ("the policy '%s' has '%s', which is for the whole to say: give it to what policy.%s makes"):format(given.name, field, what)
    end
  end
  if problem then error(("policy.%s: %s"):format(what, problem), 3) end
  return given
end

---The longest grace of those that name one.
---@param policies filo.Policy[]
---@return number?
function part.grace(policies)
  local longest
  for _, policy in ipairs(policies) do
    if policy.grace then longest = math.max(policy.grace, longest or 0) end
  end
  return longest
end

---Asks it, as the plan does.
---@param policy filo.Policy
---@return filo.placement.Member[] order, integer? wanted, string? lacking
function part.place(policy, object, members, here)
  local list, wanted, lacking = (policy.place or EVERYWHERE.place)(object, members, here)
  if type(list) ~= "table" then error(("policy '%s': place must return a list of members, not a %s"):format(policy.name, type(list)), 0) end
  return list, wanted, lacking
end

---The members that should hold a copy as far as the part goes, and what it lacks.
---@param policy filo.Policy
---@return {members: filo.placement.Member[], all: boolean, short: integer, lacking: string?}
---  all: it names no number; short: how many more it asks for than there are
function part.choose(policy, object, members, here)
  local order, wanted, lacking = part.place(policy, object, members, here)
  local held, missing = choose(order, wanted or #order, function(member) return member.holds == true end)
  local chosen = table.move(missing, 1, #missing, #held + 1, held)
  return { members = chosen, all = wanted == nil, short = math.max(0, (wanted or 0) - #chosen), lacking = lacking }
end

return part
