---The door: connections that were accepted and are not let in yet. There is room for a few. The oldest makes room for the next, so that
---slow strangers cannot keep others out; and while many are still being closed, no more are accepted.

local at_end = require "filo.host.at_end"
local new_gate = require "filo.host.gate"

---@class filo.Door
local Door = {}
Door.__index = Door

local function new(host)
  return setmetatable({ limits = host.limits, outside = {}, present = {}, count = 0, left = new_gate(host) }, Door)
end

---Waits while there are too many.
function Door:wait()
  self.left:wait_for(function() return self.count < self.limits.accepted end)
end

local function forget(self, connection)
  for i, each in ipairs(self.outside) do
    if each == connection then return table.remove(self.outside, i) end
  end
end

---A connection has come. It counts until it is let in, or what this gives is closed.
function Door:enter(connection)
  self.present[connection] = true
  self.count = self.count + 1
  table.insert(self.outside, connection)
  if #self.outside > self.limits.strangers then table.remove(self.outside, 1):close("busy", "too many others wait to be let in") end
  return at_end(function() self:leave(connection) end)
end

---It was let in, or has gone.
function Door:leave(connection)
  if not self.present[connection] then return end
  self.present[connection] = nil
  self.count = self.count - 1
  forget(self, connection)
  self.left:wake()
end

return new
