---Dialling the members: whoever is not connected is tried again, for ever, with pauses that grow to half a minute, so that a partition
---heals however long it lasted. One task does it for all. Of two nodes the one with the smaller ID begins: its connection stays.

local new_gate = require "filo.host.gate"

---@class filo.Dialling
---@field untried table<string, true>  IDs of members that were known at the start, and were not tried yet
---@field tries table<string, {pause: number, at: number, busy?: boolean}>  by the ID of a member: the last pause, when it is tried next
local Dialling = {}
Dialling.__index = Dialling

---So much later the node with the larger ID begins, where the other may come by itself.
local LATER = 3

local function jittered(self, seconds) return seconds * (0.5 + self.host.random(1):byte() / 256) end

local function dial(self, entry, try)
  local limits, err = self.host.limits, nil
  for _, address in ipairs(entry.addresses) do
    local peer
    peer, err = self.connect { address = address, id = entry.id }
    if peer then break end
  end
  if err then self.roster:fail(entry, err) end
  try.pause = math.min(try.pause * 2, limits.redial_most)
  try.at, try.busy = self.host.now() + jittered(self, try.pause), nil
  self.free, self.untried[entry.id] = self.free + 1, nil
  self.turned:wake()
  if not next(self.untried) then self.all_tried:wake() end
end

---When a member is tried next; nil: it is not.
local function due(self, entry)
  local try = self.tries[entry.id]
  if entry.up then
    self.tries[entry.id], self.untried[entry.id] = nil, nil
    if not next(self.untried) then self.all_tried:wake() end
    return nil
  end
  if not entry.addresses[1] or self.is_dialled(entry.addresses) then
    self.untried[entry.id] = nil
    return nil
  end
  if not try then
    local first = self.host.limits.redial_first
    local pause = self.untried[entry.id] and 0 or self.id < entry.id and jittered(self, first) or jittered(self, LATER)
    try = { pause = first, at = self.host.now() + pause }
    self.tries[entry.id] = try
  end
  return not try.busy and try.at or nil
end

---Those that are to be tried, who has waited longest first.
---@return {entry: filo.RosterEntry, at: number}[]
local function waiting(self)
  local list = {}
  for _, entry in ipairs(self.roster:list()) do
    local at = due(self, entry)
    if at then list[#list + 1] = { entry = entry, at = at } end
  end
  table.sort(list, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.entry.id < b.entry.id
  end)
  return list
end

---Tries those whose time has come. Gives the time until the next one's.
local function try_all(self)
  local now = self.host.now()
  for _, each in ipairs(waiting(self)) do
    if self.free == 0 then break end
    if each.at > now then return each.at - now end
    local try = self.tries[each.entry.id]
    try.busy, self.free = true, self.free - 1
    self.spawn(dial, self, each.entry, try)
  end
  return math.huge
end

local function run(self)
  while true do
    local seconds = try_all(self)
    self.turned:wait(seconds < math.huge and math.max(0, seconds) or nil)
  end
end

---Waits until every member that was known at the start was tried once, or the deadline.
---@param seconds number
function Dialling:wait_tried(seconds)
  self.all_tried:wait_for(function() return not next(self.untried) end, seconds)
end

---Looks at once who is to be tried: somebody has come or gone, or an address has changed.
---@param id? string  a member whose pauses begin anew
function Dialling:look(id)
  if id and self.tries[id] and not self.tries[id].busy then self.tries[id] = nil end
  self.turned:wake()
end

---@param given {host: filo.Host, id: string, roster: filo.Roster, spawn: function, connect: function,
---  is_dialled: (fun(addresses: string[]): boolean)}  is_dialled: whether the bootstrap addresses have one of these
---@return filo.Dialling
return function(given)
  local self = setmetatable(given, Dialling)
  self.tries, self.free, self.turned, self.untried, self.all_tried = {}, given.host.limits.dials, new_gate(given.host), {},
    new_gate(given.host)
  for _, entry in ipairs(self.roster:list()) do self.untried[entry.id] = entry.addresses[1] and true or nil end
  self.spawn(run, self)
  return self
end
