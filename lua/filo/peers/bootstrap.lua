---The addresses to stay connected to: redialled with growing, random pauses. They may change while the node runs.

local new_backoff = require "filo.host.backoff"
local new_gate = require "filo.host.gate"

---@class filo.Bootstrap
local Bootstrap = {}
Bootstrap.__index = Bootstrap

---@param host filo.Host
---@param peers filo.Peers
local function new(host, peers)
  return setmetatable({
    host = host, peers = peers, names = {}, addresses = {}, tasks = {}, untried = {}, all_tried = new_gate(host), reached = {},
    ids = {},
  }, Bootstrap)
end

---Notes that an address was tried, and tells who waits when all were.
local function tried(self, name)
  self.untried[name] = nil
  if not next(self.untried) then self.all_tried:wake() end
end

---Waits until every address was tried once, or the deadline.
---@param seconds number
function Bootstrap:wait_tried(seconds)
  self.all_tried:wait_for(function() return not next(self.untried) end, seconds)
end

---Keeps a connection. Ends when the address is this node's own.
local function keep(self, name, target)
  local host, peers, limits = self.host, self.peers, self.host.limits
  local backoff, reported = new_backoff(host, limits.redial_first, limits.redial_most), nil
  while true do
    local peer, err = peers:connect(target)
    tried(self, name)
    self.reached[name] = peer ~= nil or err.itself
    if peer then
      self.ids[name] = peer.id
      backoff:reset()
      reported = nil
      while peers:get(peer.id) do peers:get(peer.id):wait_gone() end
      self.reached[name] = nil
    elseif err.itself then
      return
    elseif reported ~= err.code then
      reported = err.code
      host.log(err.code == "denied" and "error" or "warning", tostring(err))
    end
    backoff:wait()
  end
end

local function name_of(target) return target.address .. " " .. (target.id or "") end

---Takes these instead of those before. A connection to one that is gone from the list stays; it is not redialled. One that is not reached
---is tried at once: what was in the way may be over.
---@param targets {address: string, id?: string}[]
function Bootstrap:set(targets)
  local before, wanted = self.names, {}
  self.names = {}
  for i, target in ipairs(targets) do
    local name = name_of(target)
    self.names[i], self.addresses[name], wanted[name] = name, target.address, true
    self.ids[name] = target.id or self.ids[name]
  end
  for _, name in ipairs(before) do
    if not wanted[name] and self.tasks[name] then
      self.tasks[name]:cancel "no longer in bootstrap"
      self.tasks[name], self.addresses[name], self.reached[name], self.ids[name] = nil, nil, nil, nil
      tried(self, name)
    end
  end
  for i, target in ipairs(targets) do
    local name = self.names[i]
    local trying = self.tasks[name]
    if not trying or not self.reached[name] then
      if trying then trying:cancel "tried at once" end
      self.untried[name] = true
      self.tasks[name] = self.peers:spawn(keep, self, name, target)
    end
  end
end

---Whether one of these addresses is dialled here.
---@param addresses string[]
---@return boolean
function Bootstrap:has_any(addresses)
  for _, name in ipairs(self.names) do
    for _, address in ipairs(addresses) do
      if self.addresses[name] == address then return true end
    end
  end
  return false
end

---The addresses where no peer is connected now; and the IDs of those that were there, or have to be.
---@return string[], table<string, true>
function Bootstrap:unreached()
  local list, ids = {}, {}
  for _, name in ipairs(self.names) do
    if not self.reached[name] then
      list[#list + 1] = self.addresses[name]
      ids[self.ids[name] or ""] = true
    end
  end
  return list, ids
end

return new
