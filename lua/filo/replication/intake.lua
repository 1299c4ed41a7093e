---What comes in: old copies and deletions, which may not come while a horizon is being prepared (forgetting.lua), nor from who is in doubt
---(doubt.lua). What is new always may.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"

---What a horizon is prepared for, of a namespace.
---@class filo.Preparing
---@field horizon integer
---@field leader? filo.peers.Peer  nil: this node
---@field till number  host.now(), then it is given up

---A copy that is about to come to lie here.
---@class filo.Arrival
---@field namespace string
---@field version integer

---@class filo.Intake
---@field prepared table<string, filo.Preparing>  by namespace, raw
---@field arrivals table<filo.Arrival, true>
local Intake = {}
Intake.__index = Intake

---The horizon that is being prepared of a namespace.
---@param namespace string
---@return filo.Preparing?
function Intake:preparing(namespace)
  local now = self.prepared[namespace]
  if not now then return nil end
  if now.till > self.host.now() and not (now.leader and now.leader.gone) then return now end
  self.prepared[namespace] = nil
end

---Whether nothing of a version is taken now, whoever gives it.
---@param namespace string
---@param version? integer  nil: any old one
---@return boolean
function Intake:is_frozen(namespace, version)
  local now = self:preparing(namespace)
  return now ~= nil and (not version or version <= now.horizon)
end

---Something is about to come to lie here, until what this gives is closed; or it may not.
---@param namespace string
---@param version integer
---@param peer? filo.peers.Peer  who has given it; nil: who did was asked already
---@return table?, filo.Error?
function Intake:take_in(namespace, version, peer)
  if self:is_frozen(namespace, version) then return errors.fail("busy", "old deletions are just being forgotten: try again later") end
  if peer and not self.horizons:trusts_version(peer, namespace, version) then
    return errors.fail("busy", "it is from before deletions that were forgotten, and who gives it is in doubt whether it was deleted")
  end
  local arrival = { namespace = namespace, version = version }
  self.arrivals[arrival] = true
  return at_end(function()
    self.arrivals[arrival] = nil
    self.taken:wake()
  end)
end

---What is to become of a deletion that a peer tells of: it may come in as what this gives says; "gone": nothing is here of that object, and
---it is not to be kept again; or an error.
---@param fields filo.core.Fields
---@param path string
---@param peer filo.peers.Peer
---@return table|"gone"|nil, filo.Error?
function Intake:take_deletion(fields, path, peer)
  local namespace, version = fields.namespace, fields.version
  local now = self:preparing(namespace)
  if now and version <= now.horizon then
    if now.leader == peer then return at_end(function() end) end
    return errors.fail("busy", "old deletions are just being forgotten: try again later")
  end
  if version > self.horizons:guard(namespace) then return at_end(function() end) end
  local here, err = self.disk:stat(namespace, path)
  if not here and err.code ~= "not_found" then return at_end(function() end) end -- who keeps it looks what is wrong
  if here and here.version >= version then return at_end(function() end) end
  if not self.horizons:is_swept(namespace) then return errors.fail("busy", "old deletions are just being forgotten: try again later") end
  return here and at_end(function() end) or "gone"
end

---Waits until nothing is coming in any more that began before.
local function wait_for_arrivals(self, namespace, horizon)
  return self.taken:wait_for(function()
    for arrival in pairs(self.arrivals) do
      if arrival.namespace == namespace and arrival.version <= horizon then return false end
    end
    return true
  end, self.host.limits.forget_wait)
end

---A horizon is being prepared: nothing up to it comes in from now on.
---@param leader? filo.peers.Peer  nil: this node
---@return true?, filo.Error?
function Intake:freeze(namespace, horizon, leader)
  local now = { horizon = horizon, leader = leader, till = self.host.now() + self.host.limits.forget_most }
  self.prepared[namespace] = now
  if wait_for_arrivals(self, namespace, horizon) then return true end
  if self.prepared[namespace] == now then self.prepared[namespace] = nil end
  return errors.fail("busy", "an old copy is on its way in")
end

---That is over.
---@param namespace string
---@param leader? filo.peers.Peer
function Intake:thaw(namespace, leader)
  local now = self.prepared[namespace]
  if now and now.leader == leader then self.prepared[namespace] = nil end
end

---@param given {host: filo.Host, disk: table, horizons: filo.Horizons}
---@return filo.Intake
return function(given)
  local self = setmetatable(given, Intake)
  self.prepared, self.arrivals, self.taken = {}, {}, new_gate(given.host)
  return self
end
