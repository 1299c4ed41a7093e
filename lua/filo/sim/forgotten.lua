---Checks of deletions that are forgotten: that they are, and that nothing of what was deleted is left.

local inside = require "filo.base.inside"

local forgotten = {}

---Whether the deletion of a part was forgotten, as far as its owner knows.
---@param entry filo.sim.Entry
---@param part filo.sim.StoredPart
---@return boolean
function forgotten.is(entry, part)
  local node = entry.owner.run and entry.owner.run.node
  return node ~= nil and inside.of(node).horizons:known(entry.namespace) >= part.version
end

---Of what was deleted, and forgotten, nobody has a copy but who is in doubt.
---@param checks filo.sim.Checks
function forgotten.look_for_copies(checks, entry, part)
  for _, machine in ipairs(checks.world.machines) do
    local file, node = machine.disk:file(entry.namespace, part.path), machine.run and machine.run.node
    local is_old = file and not file.unreadable and not file.fields.tombstone and file.fields.version < part.version
    if is_old and node and not inside.of(node).doubt:about(entry.namespace, file.fields.key_hash, file.fields.version) then
      return checks:violate("deleted", entry, "%s was deleted, which is forgotten, and %s has a copy", entry.subject, machine.name)
    end
  end
  checks:pass "deleted"
end

---Whether a peer refuses deletions of a node, as its policy wants: then they are kept.
local function refuses_deletions(machine)
  for _, why in pairs(inside.of(machine.run.node).tombstones.missed) do
    if why == "refused" then return true end
  end
  return false
end

---Seconds in which a deletion is forgotten, when all are there: it settles, a horizon comes, and it is swept.
local FORGET_SECONDS = 1200

---Nodes that have been there for so long have forgotten what was deleted before that, by the clocks of all.
---@param checks filo.sim.Checks
function forgotten.look_for_deletions(checks)
  local world, oldest, before = checks.world, math.huge, #checks.violations
  for _, machine in ipairs(world.machines) do
    if not machine.run or not machine.run.node or #machine.run.node:peers() < #world.machines - 1 then return end
    oldest = math.min(oldest, machine:microseconds() - FORGET_SECONDS * 1000000)
  end
  for _, machine in ipairs(world.machines) do
    for _, each in ipairs(machine.disk:list(machine.disk.namespace)) do
      local file = machine.disk:file(each.namespace, each.path)
      local is_left = not file.unreadable and file.fields.tombstone and file.fields.version <= oldest
      if is_left and not refuses_deletions(machine) then
        local parts = inside.of(machine.run.node)
        local why = parts.forgetting.problems[each.namespace] or "it does not say why"
        checks:violate("forgotten", nil, "%s keeps a deletion of its own, version %d, beyond the horizon %d: %s", machine.name,
          file.fields.version, parts.horizons:known(each.namespace), why)
        break
      end
    end
  end
  if #checks.violations == before then checks:pass "forgotten" end
end

return forgotten
