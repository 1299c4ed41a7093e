---The door: connections that were accepted and are not let in yet. There is room for a few. When one more comes, one leaves, be it that
---one, from where most have come: a flood from one place keeps nobody out who comes from another. There those stay who have shown that they
---speak the protocol (their TLS handshake is over), while there is anybody else but the last to come. Of several it is any one, at
---random: the oldest would be the one that is nearly through. While many are still being closed, no more are accepted.
---One leaves also when one has taken one of the last descriptors, which are kept for the node's own work (core/transport/socket.h).

local at_end = require "filo.host.at_end"
local new_gate = require "filo.host.gate"
local source = require "filo.peers.source"

---@class filo.Door
---@field leaving? filo.core.Connection  which made room for one that took one of the last descriptors
---@field outside {connection: filo.core.Connection, source: string, ready?: boolean}[]  in the order in which they came
local Door = {}
Door.__index = Door

---@param host filo.Host
---@return filo.Door
local function new(host)
  return setmetatable({ host = host, limits = host.limits, outside = {}, present = {}, count = 0, left = new_gate(host) }, Door)
end

---Waits while there are too many, or the one that made room for the last of the descriptors is still being closed.
function Door:wait()
  self.left:wait_for(function() return self.count < self.limits.accepted and self.leaving == nil end)
end

local function find(self, connection)
  for i, each in ipairs(self.outside) do
    if each.connection == connection then return i, each end
  end
end

---The one that has to leave. The last to come has had no time to show anything: it is worth as much as the others, or those who fill all
---places, and do no more, would keep everybody out.
local function one_too_many(self)
  local heaviest = source.heaviest(self.outside, function(each) return each.source end)
  local newcomer, strangers, others = self.outside[#self.outside], {}, false
  for _, each in ipairs(heaviest) do
    if not each.ready then
      strangers[#strangers + 1] = each
      others = others or each ~= newcomer
    end
  end
  return source.any(self.host, others and strangers or heaviest).connection
end

---A connection has come. It counts until it is let in, and again from its end on, until what this gives is closed.
---@param scarce? boolean  it has taken one of the last descriptors
function Door:enter(connection, scarce)
  self:ends(connection)
  table.insert(self.outside, { connection = connection, source = source.of(connection:remote()) })
  if scarce or #self.outside > self.limits.strangers then
    local leaves = one_too_many(self)
    table.remove(self.outside, (find(self, leaves)))
    if scarce then
      self.leaving = leaves
      leaves:abort("busy", "too many files and connections are open here")
    else
      leaves:close("busy", "too many others wait to be let in")
    end
  end
  return at_end(function() self:leave(connection) end)
end

---It has shown that it speaks the protocol.
function Door:ready(connection)
  local _, each = find(self, connection)
  if each then each.ready = true end
end

---It is about to be closed: that takes a while, and a descriptor.
function Door:ends(connection)
  if self.present[connection] then return end
  self.present[connection] = true
  self.count = self.count + 1
end

---It was let in, or has gone.
function Door:leave(connection)
  if not self.present[connection] then return end
  self.present[connection] = nil
  if self.leaving == connection then self.leaving = nil end
  self.count = self.count - 1
  local at = find(self, connection)
  if at then table.remove(self.outside, at) end
  self.left:wake()
end

return new
