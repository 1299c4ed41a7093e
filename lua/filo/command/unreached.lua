---What a command tells of the nodes that should have heard of something and are not connected.

local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local target = require "filo.peers.target"
local title = require("filo.placement.member").title

---@class filo.Unreached
---@field names string[]  addresses, and "node ID" of others, in the order in which they were told of
local Unreached = {}
Unreached.__index = Unreached

---@return filo.Unreached
local function new() return setmetatable({ names = {} }, Unreached) end

---Notes those of a receipt.
---@param unreached string[]?  addresses and node IDs
function Unreached:note(unreached)
  for _, each in ipairs(unreached or {}) do
    if not self[each] then table.insert(self.names, target.is_id(each) and "node " .. each:sub(1, 16) or each) end
    self[each] = true
  end
end

---Notes members that are away.
---@param away {node: string, name: string?}[]?
function Unreached:note_away(away)
  for _, each in ipairs(away or {}) do
    if not self[each.node] then table.insert(self.names, title { id = each.node, name = each.name }) end
    self[each.node] = true
  end
end

---Tells of them, if there are any, and gives the exit status: what it is already, unless all else went well.
---@param name string  of the command
---@param what string  what becomes of them
---@param status integer
---@return integer
function Unreached:tell(name, what, status)
  local count = #self.names
  if count == 0 then return status end
  local are = count == 1 and "%s is not connected: %s" or "%s are not connected: %s"
  failures.tell(name, are:format(format.printable(format.several(self.names, ", ")), what))
  return status == exit.done and exit.not_enough_copies or status
end

return new
