---Two policies at once: a member that either chooses holds a copy, which counts for both.

local described = require "filo.placement.described"
local format = require "filo.base.format"
local keeping = require "filo.placement.keeping"
local part = require "filo.placement.part"

local function union(a, b)
  local list, known = {}, {}
  for _, members in ipairs { a, b } do
    for _, member in ipairs(members) do
      if not known[member.id] then list[#list + 1] = member end
      known[member.id] = true
    end
  end
  return list
end

---What is lacking of both, as a sentence.
local function lacking_of(a, b, short)
  local texts = { a.lacking }
  if b.lacking ~= a.lacking then texts[#texts + 1] = b.lacking end
  if short > 0 then texts[#texts + 1] = format.count(short, "member is", "members are") .. " missing" end
  return texts[1] and table.concat(texts, "; ") or nil
end

---@param first filo.Policy
---@param second filo.Policy
---@return filo.Policy
return function(first, second)
  part.check_one("both", first, "quorum", "accept")
  part.check_one("both", second, "quorum", "accept")
  local function place(object, members, here)
    local a, b = part.choose(first, object, members, here), part.choose(second, object, members, here)
    local list, short = union(a.members, b.members), a.short + b.short
    if a.all or b.all then return list, nil, lacking_of(a, b, short) end
    return list, #list + short, lacking_of(a, b, 0)
  end
  return described.describe({
    name = ("%s, and %s"):format(first.name, second.name), place = place, grace = part.grace { first, second },
    keep_versions = keeping.most(first, second),
  }, "both", first, second)
end
