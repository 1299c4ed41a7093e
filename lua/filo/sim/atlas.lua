---The atlas: where good copies lie. It lets no fault damage the last good one of an object, so that any loss is a bug.

local at_end = require "filo.host.at_end"

---@class filo.sim.Atlas
local Atlas = {}
Atlas.__index = Atlas

---@param machines filo.sim.Machine[]
---@return filo.sim.Atlas
local function new(machines) return setmetatable({ machines = machines, evicting = {} }, Atlas) end

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

---Whether what lies at a place of a machine may be damaged, or go. A copy that is about to be evicted is not relied on.
---@return boolean
function Atlas:may_damage(machine, namespace, path)
  local file = machine.disk:file(namespace, path)
  if not file or not file.intact then return true end
  for _, holder in ipairs(self:holders(namespace, path, file.fields.version)) do
    if holder ~= machine and self.evicting[namespace .. path] ~= holder then return true end
  end
  return false
end

---A machine is asked to evict its copy, until the end of the scope: whether it may, is between it and the others.
function Atlas:evict(machine, namespace, path)
  local place = namespace .. path
  self.evicting[place] = machine
  return at_end(function() self.evicting[place] = nil end)
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
