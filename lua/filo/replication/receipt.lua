---What scripts get of a receipt: a table of their own, brought up to date as long as copies are being made, and never looked at.

local copy = require "filo.base.copy"
local format = require "filo.base.format"

local VALUES = { "key", "version", "size", "quorum", "replaced", "changed", "lacking" }
local LISTS = { "copies", "pending", "unreached" }

---What `store` and `delete` give: who holds the version.
---@class filo.Receipt
---@field key string
---@field version integer
---@field size integer
---@field copies string[]  IDs of the nodes that hold a copy, this one first
---@field pending string[]  IDs of peers that are being sent one
---@field refused table[]  {peer = id, reason = text}
---@field quorum integer  copies that had to be made
---@field unreached string[]  addresses of members that should hold it, or know of it, and are not connected; of a deletion also the IDs
---  of nodes that have taken copies of anything of this node
---@field away? table[]  {node = id, name = text, since = seconds}: members that should hold it and are away, and for how long
---@field lacking? string  what of the policy cannot be met by the members that there are
---@field replaced? integer  the later version that this node stored meanwhile, and that took the place of this one
---@field changed? boolean  of a file: it changed each time while it was read, and what was read last is stored
local Shown = { __name = "filo.Receipt", __fields = true } -- at the prompt, its fields

function Shown:__tostring()
  local copies = type(self.copies) == "table" and #self.copies or 0
  return ("receipt of '%s': version %s, %s bytes, %s (quorum %s)"):format(
    tostring(self.key), tostring(self.version), tostring(self.size), format.count(copies, "copy", "copies"), tostring(self.quorum))
end

local receipt = {}

---Brings what scripts have of a receipt up to date, once they have it.
---@param mine filo.Receipt  the node's own
function receipt.update(mine)
  local shown = mine.shown
  if not shown then return end
  for _, name in ipairs(VALUES) do rawset(shown, name, mine[name]) end
  for _, name in ipairs(LISTS) do
    local list = mine[name]
    rawset(shown, name, list and table.move(list, 1, #list, 1, {}))
  end
  for _, name in ipairs { "refused", "away" } do rawset(shown, name, copy(mine[name])) end
end

---@param mine filo.Receipt  the node's own
---@return filo.Receipt  for scripts, the same one each time
function receipt.show(mine)
  mine.shown = mine.shown or setmetatable({}, Shown)
  receipt.update(mine)
  return mine.shown
end

return receipt
