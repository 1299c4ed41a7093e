---What was handed out to scripts and keeps the root locked: it is closed with the node. A script that has dropped it keeps nothing: the
---collector closes that.

local sorted_keys = require "filo.base.sorted_keys"

---@class filo.HandedOut
local HandedOut = {}
HandedOut.__index = HandedOut

---@return filo.HandedOut
local function new() return setmetatable({ numbers = setmetatable({}, { __mode = "k" }), count = 0 }, HandedOut) end

---@generic T
---@param each T  with a `close`
---@return T
function HandedOut:add(each)
  self.count = self.count + 1
  self.numbers[each] = self.count
  return each
end

---It was closed: nothing is left to be done with it.
function HandedOut:remove(each) self.numbers[each] = nil end

---Closes all, in the order in which they were handed out.
function HandedOut:close()
  local list = sorted_keys(self.numbers, function(a, b) return self.numbers[a] < self.numbers[b] end)
  for _, each in ipairs(list) do each:close() end
end

return new
