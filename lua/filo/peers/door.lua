---The door: connections that were accepted and are not let in yet. There is room for a few. For the next one room is made where most have
---come from, and there among those that have not shown that they speak the protocol (their TLS handshake is not over), so that a flood
---from one place keeps nobody out who comes from another. While many are still being closed, no more are accepted.

local at_end = require "filo.host.at_end"
local new_gate = require "filo.host.gate"
local source = require "filo.peers.source"

---@class filo.Door
---@field outside {connection: filo.core.Connection, source: string, ready?: boolean}[]  in the order in which they came
local Door = {}
Door.__index = Door

---@param host filo.Host
---@return filo.Door
local function new(host)
  return setmetatable({ host = host, limits = host.limits, outside = {}, present = {}, count = 0, left = new_gate(host) }, Door)
end

---Waits while there are too many.
function Door:wait()
  self.left:wait_for(function() return self.count < self.limits.accepted end)
end

local function find(self, connection)
  for i, each in ipairs(self.outside) do
    if each.connection == connection then return i, each end
  end
end

---Any one of them: the oldest would be the one that is nearly through.
local function make_room(self)
  local strangers, all = {}, source.heaviest(self.outside, function(each) return each.source end)
  for _, each in ipairs(all) do
    if not each.ready then strangers[#strangers + 1] = each end
  end
  local chosen = source.any(self.host, strangers[1] and strangers or all).connection
  table.remove(self.outside, (find(self, chosen)))
  chosen:close("busy", "too many others wait to be let in")
end

---A connection has come. It counts until it is let in, or what this gives is closed.
function Door:enter(connection)
  if #self.outside >= self.limits.strangers then make_room(self) end
  self.present[connection] = true
  self.count = self.count + 1
  table.insert(self.outside, { connection = connection, source = source.of(connection:remote()) })
  return at_end(function() self:leave(connection) end)
end

---It has shown that it speaks the protocol.
function Door:ready(connection)
  local _, each = find(self, connection)
  if each then each.ready = true end
end

---It was let in, or has gone.
function Door:leave(connection)
  if not self.present[connection] then return end
  self.present[connection] = nil
  self.count = self.count - 1
  local at = find(self, connection)
  if at then table.remove(self.outside, at) end
  self.left:wake()
end

return new
