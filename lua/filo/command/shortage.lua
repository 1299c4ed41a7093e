---What is told of objects with too few copies.

local format = require "filo.base.format"
local sorted_keys = require "filo.base.sorted_keys"

local shortage = {}

---Why, with how many each concerns, the most first.
---@param reasons table<string, integer>
---@return string
function shortage.reasons(reasons)
  local list = {}
  for i, reason in ipairs(sorted_keys(reasons, function(a, b) return reasons[a] > reasons[b] or reasons[a] == reasons[b] and a < b end)) do
    list[i] = ("%s (%s)"):format(reason, format.number(reasons[reason]))
  end
  return format.printable(format.several(list, "; "))
end

---What was done, and what of it is left for now.
---@param report filo.RepairReport
---@return string
local function deeds(report)
  local parts = {}
  if report.made > 0 then parts[1] = format.count(report.made, "copy was", "copies were") .. " made; " end
  if report.dropped > 0 then
    parts[#parts + 1] = format.count(report.dropped, "copy too many was", "copies too many were") .. " dropped; "
  end
  if report.surplus > 0 then
    parts[#parts + 1] = ("%s here for now; "):format(format.count(report.surplus, "copy too many stays", "copies too many stay"))
  end
  return table.concat(parts)
end

---@param report filo.RepairReport
---@return string
function shortage.text(report)
  local objects = deeds(report) .. format.count(report.objects, "object", "objects")
  if report.short == 0 then return objects .. ", all with as many copies as they should have" end
  return ("%s, %s below the count: %s"):format(objects, format.number(report.short), shortage.reasons(report.reasons))
end

return shortage
