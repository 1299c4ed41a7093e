---What a node keeps for others, for people.

local format = require "filo.base.format"
local inside = require "filo.base.inside"

local kept = {}

---What lies in the trash, counted one by one.
local function trash(node)
  local sum = { trash = true, objects = 0, bytes = 0, deleted = 0 }
  for old in inside.of(node).trash:each() do sum.objects, sum.bytes = sum.objects + 1, sum.bytes + old.size end
  return sum
end

---For each owner, then of each member that has brought any, then, where that has a limit, in all; and what lies in the trash, if there is
---anything, whoever it is of.
---@param node filo.Node
---@return filo.Usage[]
function kept.list(node)
  local list = {}
  for _, usage in ipairs(node:usage()) do
    if usage.owner ~= node:namespace().id then list[#list + 1] = usage end
  end
  for _, by in ipairs { "member", "total" } do
    for _, usage in ipairs(node:usage(by)) do
      if usage.limit or by == "member" and usage.objects > 0 then list[#list + 1] = usage end
    end
  end
  local old = trash(node)
  if old.objects > 0 then list[#list + 1] = old end
  return list
end

---Old versions, as a part of a sentence.
---@param usage filo.Usage
---@return string
function kept.versions(usage)
  if not usage.versions then return "" end
  return (", and %s, %s"):format(format.count(usage.versions, "old version", "old versions"), format.bytes(usage.version_bytes))
end

---What there is of a quota; nil: there is none.
---@param usage filo.Usage
---@return string?
function kept.limit(usage)
  if not usage.limit then return nil end
  local over = usage.counted > usage.limit and ": nothing new is taken" or ""
  return ("counts %s of %s%s"):format(format.bytes(usage.counted), format.bytes(usage.limit), over)
end

---Those that are beyond a quota.
---@param list filo.Usage[]
---@return filo.Usage[]
function kept.over(list)
  local over = {}
  for _, usage in ipairs(list) do
    if usage.limit and usage.counted > usage.limit then over[#over + 1] = usage end
  end
  return over
end

return kept
