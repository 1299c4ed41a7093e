---What a command has done in all, for its last line.

local format = require "filo.base.format"

---@class filo.Totals
local Totals = {}
Totals.__index = Totals

---@return filo.Totals
local function new() return setmetatable({ stored = 0, bytes = 0, unchanged = 0 }, Totals) end

---@param receipt {size: integer, unchanged?: boolean}
function Totals:add(receipt)
  if receipt.unchanged then
    self.unchanged = self.unchanged + 1
  else
    self.stored, self.bytes = self.stored + 1, self.bytes + receipt.size
  end
end

---@param count integer  of all that there was to do
---@param dry? boolean  nothing was done
---@return string  "stored 3, 4.2 MiB; 5 unchanged; 1 failed"
function Totals:text(count, dry)
  local parts = {
    ("%s %s, %s"):format(dry and "would store" or "stored", format.number(self.stored), format.bytes(self.bytes)),
    format.number(self.unchanged) .. " unchanged",
  }
  local failed = count - self.stored - self.unchanged
  if failed > 0 then parts[3] = format.number(failed) .. " failed" end
  return table.concat(parts, "; ")
end

return new
