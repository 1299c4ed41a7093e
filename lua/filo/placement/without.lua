---Another policy, of the members that have not got a tag.

local described = require "filo.placement.described"
local facts = require "filo.placement.facts"
local part = require "filo.placement.part"

local function lacking_it(members, tag)
  local list = {}
  for _, member in ipairs(members) do
    if not (member.tags and member.tags[tag]) then list[#list + 1] = member end
  end
  return list
end

---@param tag string
---@param policy filo.Policy
---@return filo.Policy
return function(tag, policy)
  if not facts.is_text(tag) then error("policy.without: a tag expected, printable text of 1 to 64 bytes", 2) end
  part.check("without", policy)
  return described.describe({
    name = ("%s, not where there is the tag '%s'"):format(policy.name, tag),
    place = function(object, members, here) return part.place(policy, object, lacking_it(members, tag), here) end,
    quorum = policy.quorum, grace = policy.grace, accept = policy.accept, keep_versions = policy.keep_versions,
  }, "without", tag, policy)
end
