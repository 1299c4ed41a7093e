---Another policy, of the members that have a tag only.

local described = require "filo.placement.described"
local facts = require "filo.placement.facts"
local part = require "filo.placement.part"

local function having(members, tag)
  local list = {}
  for _, member in ipairs(members) do
    if member.tags and member.tags[tag] then list[#list + 1] = member end
  end
  return list
end

---@param tag string
---@param policy filo.Policy
---@return filo.Policy
return function(tag, policy)
  if not facts.is_text(tag) then error("policy.tagged: a tag expected, printable text of 1 to 64 bytes", 2) end
  part.check("tagged", policy)
  local function place(object, members, here)
    local tagged = having(members, tag)
    local list, wanted, lacking = part.place(policy, object, tagged, here)
    if not tagged[1] and wanted ~= 0 then lacking = lacking or ("there is no member with the tag '%s'"):format(tag) end
    return list, wanted, lacking
  end
  return described.describe({
    name = ("%s, where there is the tag '%s'"):format(policy.name, tag), place = place, quorum = policy.quorum, grace = policy.grace,
    accept = policy.accept, keep_versions = policy.keep_versions,
  }, "tagged", tag, policy)
end
