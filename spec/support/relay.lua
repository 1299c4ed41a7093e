---A line to a node that counts what goes over it.
---
---    local relay <close> = relays.to(b.address)
---    local a = net:start("a", { bootstrap = { relay.address } })
---    relay.bytes                                  -- both ways, until now

local filo = require "filo"

local PIECE = 65536

---@class spec.Relay
---@field address string
---@field bytes integer
local Relay = {}
Relay.__index = Relay

local function pass(self, from, to)
  while true do
    local piece = from:read(PIECE)
    if not piece then break end
    self.bytes = self.bytes + #piece
    if not to:write(piece) then break end
  end
  to:close()
  from:close()
end

---@param address string
---@return spec.Relay
local function to(address)
  local listener = assert(filo.listen "127.0.0.1:0")
  local self = setmetatable({ listener = listener, address = listener:address(), bytes = 0 }, Relay)
  self.task = filo.spawn(function()
    while true do
      local near = assert(listener:accept())
      local far = filo.dial(address)
      if far then
        filo.spawn(pass, self, near, far)
        filo.spawn(pass, self, far, near)
      else
        near:close() -- who is relayed to is gone, as at the end of a spec
      end
    end
  end)
  return self
end

function Relay:close()
  self.task:cancel()
  pcall(self.task.join, self.task)
  self.listener:close()
end

Relay.__close = Relay.close

return { to = to }
