---What a command tells of the nodes that this one dials and is not connected to.

local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"

---@class filo.Unreached
---@field addresses string[]  in the order in which they were told of
local Unreached = {}
Unreached.__index = Unreached

---@return filo.Unreached
local function new() return setmetatable({ addresses = {} }, Unreached) end

---Notes those of a receipt.
---@param addresses string[]?
function Unreached:note(addresses)
  for _, address in ipairs(addresses or {}) do
    if not self[address] then table.insert(self.addresses, address) end
    self[address] = true
  end
end

---Tells of them, if there are any, and gives the exit status: what it is already, unless all else went well.
---@param name string  of the command
---@param what string  what becomes of them
---@param status integer
---@return integer
function Unreached:tell(name, what, status)
  local count = #self.addresses
  if count == 0 then return status end
  local are = count == 1 and "%s is not connected: %s" or "%s are not connected: %s"
  failures.tell(name, are:format(format.printable(format.several(self.addresses, ", ")), what))
  return status == exit.done and exit.not_enough_copies or status
end

return new
