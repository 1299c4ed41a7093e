---Connections to a running node, each of which one call has at a time: those that are free are used again.

local Client = require "filo.command.control.client"
local at_end = require "filo.host.at_end"

---@class filo.control.Clients
local Clients = {}
Clients.__index = Clients

---@param root string
---@return filo.control.Clients
local function new(root) return setmetatable({ root = root, free = {} }, Clients) end

---As Client:call.
---@return any, filo.Error?
function Clients:call(...)
  local client, err = table.remove(self.free), nil
  if not client then client, err = Client.open(self.root) end
  if not client then return nil, err end
  local ended
  local _ <close> = at_end(function()
    if ended then table.insert(self.free, client) else client:close() end
  end)
  local result, problem = client:call(...)
  ended = result ~= nil or problem.code ~= "not_running"
  return result, problem
end

function Clients:close()
  for _, client in ipairs(self.free) do client:close() end
  self.free = {}
end

Clients.__close = Clients.close

return new
