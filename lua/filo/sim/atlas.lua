---The atlas: where good copies lie. It lets no fault damage the last good one of an object, so that any loss is a bug.

local at_end = require "filo.host.at_end"

---@class filo.sim.Atlas
local Atlas = {}
Atlas.__index = Atlas

---@param machines filo.sim.Machine[]
---@param ledger filo.sim.Ledger
---@return filo.sim.Atlas
local function new(machines, ledger) return setmetatable({ machines = machines, ledger = ledger, evicting = {} }, Atlas) end

---The machines that have a good copy of at least a version.
---@param version integer
---@return filo.sim.Machine[]
function Atlas:holders(namespace, path, version)
  local list = {}
  for _, machine in ipairs(self.machines) do
    local file = machine.disk:file(namespace, path)
    if file and file.intact and file.fields.version >= version then list[#list + 1] = machine end
  end
  return list
end

---How many machines have anything of at least a version, good or not.
---@return integer
function Atlas:present(namespace, path, version)
  local count = 0
  for _, machine in ipairs(self.machines) do
    local file = machine.disk:file(namespace, path)
    if file and file.fields.version >= version then count = count + 1 end
  end
  return count
end

---Whether something lies anywhere, good or not, that is newer than a version, or another one of the same number.
---@return boolean
function Atlas:has_rival(namespace, path, version)
  local record
  for _, machine in ipairs(self.machines) do
    local file = machine.disk:file(namespace, path)
    if file and not file.unreadable and file.fields.version >= version then
      if file.fields.version > version or record and record ~= file.record then return true end
      record = file.record
    end
  end
  return false
end

---Whether another machine has a good copy, which is not about to be evicted, of at least a version.
local function is_elsewhere(self, machine, namespace, path, version)
  for _, holder in ipairs(self:holders(namespace, path, version)) do
    if holder ~= machine and not (self.evicting[holder] or {})[namespace .. path] then return true end
  end
  return false
end

---Whether what lies at a place of a machine may be damaged, or go: there is another copy, or enough other parts of its object are
---elsewhere.
---@return boolean
function Atlas:may_damage(machine, namespace, path)
  local file = machine.disk:file(namespace, path)
  if not file or not file.intact then return true end
  if is_elsewhere(self, machine, namespace, path, file.fields.version) then return true end
  local _, group = self.ledger:at(namespace, path)
  local left = 0
  for _, part in ipairs(group and group.parts or {}) do
    local is_other = part.path ~= path and part.version ~= nil
    if is_other and is_elsewhere(self, machine, namespace, part.path, part.version) then left = left + 1 end
  end
  return group ~= nil and left >= group.needed
end

---How many parts of a group have a good copy, and how many of these one only.
---@param entry filo.sim.Entry
---@param group filo.sim.Group
---@return integer whole, integer alone
function Atlas:parts_of(entry, group)
  local whole, alone = 0, 0
  for _, part in ipairs(group.parts) do
    local holders = #self:holders(entry.namespace, part.path, part.version)
    whole, alone = whole + (holders > 0 and 1 or 0), alone + (holders == 1 and 1 or 0)
  end
  return whole, alone
end

---Whether good copies are left of all that is needed of an object that was acknowledged.
---@param entry filo.sim.Entry
---@return boolean
function Atlas:is_left(entry)
  for _, group in ipairs(entry.groups) do
    if self:parts_of(entry, group) < group.needed then return false end
  end
  return true
end

---Whether one more copy that goes may take the object with it.
---@param entry filo.sim.Entry
---@return boolean
function Atlas:is_at_risk(entry)
  for _, group in ipairs(entry.groups) do
    local whole, alone = self:parts_of(entry, group)
    if whole == group.needed and alone > 0 then return true end
  end
  return false
end

---The copy at a machine may go, until the end of the scope: it is none to rely on. Whether it may, is between that one and the others.
function Atlas:evict(machine, namespace, path)
  local place, places = namespace .. path, self.evicting[machine] or {}
  self.evicting[machine] = places
  places[place] = (places[place] or 0) + 1
  return at_end(function() places[place] = places[place] > 1 and places[place] - 1 or nil end)
end

---The same of all that would differ from an older state of a machine's disk.
---@param backup table
---@return boolean
function Atlas:may_restore(machine, backup)
  for _, each in ipairs(machine.disk:list()) do
    local before = backup[each.namespace] and backup[each.namespace][each.path]
    local file = machine.disk:file(each.namespace, each.path)
    if before ~= file and not self:may_damage(machine, each.namespace, each.path) then return false end
  end
  return true
end

return new
