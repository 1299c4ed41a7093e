---What came of looking after copies, for people and programs.

local sorted_keys = require "filo.base.sorted_keys"

local reports = {}

---What came of looking at all that lies here.
---@class filo.RepairReport
---@field objects integer  that were looked at
---@field short integer  that had fewer copies than they should, after all
---@field made integer  copies
---@field dropped integer  copies here that were too many
---@field surplus integer  copies here that are too many, and stay for now
---@field settles? number  seconds until the first of these may go
---@field left? integer  of a node that is to be emptied: copies that are still to move
---@field unsure integer  objects of which some member could not tell whether it has them
---@field reasons table<string, integer>  why copies are missing, and of how many objects
---@field time integer  seconds since 1970, when it ended

---@return filo.RepairReport
function reports.new() return { objects = 0, short = 0, made = 0, dropped = 0, surplus = 0, unsure = 0, reasons = {} } end

local REASONS_MOST, OTHERS = 32, "other reasons"

---One more object has too few copies.
---@param report filo.RepairReport
---@param why string
function reports.note(report, why)
  local reasons = report.reasons
  if not reasons[why] and #sorted_keys(reasons) >= REASONS_MOST then why = OTHERS end
  reasons[why] = (reasons[why] or 0) + 1
end

return reports
