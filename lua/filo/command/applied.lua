---What is told of a plan that is applied.

local format = require "filo.base.format"
local shortage = require "filo.command.shortage"

local STATES = {
  moving = "is being applied", paused = "is paused", reverting = "is being taken back", done = "was applied", reverted = "was taken back",
}

---@param of filo.Applied
---@return string
return function(of)
  local copies = ("%s of %s, %s"):format(format.number(of.made), format.count(of.total, "copy", "copies"), format.bytes(of.bytes))
  local text = ("plan %s %s: %s"):format(of.plan, STATES[of.what], copies)
  if next(of.reasons) then text = ("%s; not: %s"):format(text, shortage.reasons(of.reasons)) end
  return of.problem and ("%s; %s"):format(text, format.printable(of.problem)) or text
end
