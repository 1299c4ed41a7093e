---A policy for each class of objects, and one for all others.

local described = require "filo.placement.described"
local keeping = require "filo.placement.keeping"
local part = require "filo.placement.part"
local sorted_keys = require "filo.base.sorted_keys"

local function is_class(n) return math.type(n) == "integer" and n >= 0 and n <= 255 end

---The classes in order. Misuse is an error at the line of the caller's caller.
---@param given table<integer|"default", filo.Policy>
---@return integer[]
local function classes_of(given)
  if type(given) ~= "table" then error("policy.classify: a table expected, of policies by class", 3) end
  if given.default == nil then error("policy.classify: 'default' is missing, the policy of all other classes", 3) end
  local classes = {}
  for class in pairs(given) do
    if class ~= "default" and not is_class(class) then
      error(("policy.classify: a class must be a number from 0 to 255, or 'default', not '%s'"):format(tostring(class)), 3)
    end
    if class ~= "default" then classes[class] = true end
  end
  return sorted_keys(classes)
end

---What `store` waits for, where a part says so; the others leave it to the number of copies.
local function quorum_of(parts, policy_of)
  local said = false
  for _, policy in ipairs(parts) do said = said or policy.quorum ~= nil end
  return said and function(object, placed)
    local quorum = policy_of(object).quorum
    if type(quorum) == "function" then return quorum(object, placed) end
    return quorum
  end or nil
end

---@param given table<integer|"default", filo.Policy>
---@return filo.Policy
return function(given)
  local classes = classes_of(given)
  local default = part.check_one("classify", given.default, "accept")
  local by_class, parts, names, spec = {}, { default }, {}, { default }
  for i, class in ipairs(classes) do
    local policy = part.check_one("classify", given[class], "accept")
    by_class[class], parts[i + 1], names[i] = policy, policy, ("class %d: %s"):format(class, policy.name)
    spec[#spec + 1], spec[#spec + 2] = class, policy
  end
  names[#names + 1] = (names[1] and "others: " or "") .. default.name
  local function policy_of(object) return by_class[object.class or 0] or default end
  return described.describe({
    name = table.concat(names, "; "),
    place = function(object, members, here) return part.place(policy_of(object), object, members, here) end,
    quorum = quorum_of(parts, policy_of), grace = part.grace(parts), keep_versions = keeping.by_class(default, by_class),
  }, "classify", table.unpack(spec))
end
