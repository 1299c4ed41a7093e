---Copies that go, whoever decides it: one that its owner evicts, and one too many that is dropped. None may, unless others have proved that
---theirs are good; so the copies of these are looked at, before and after.

local core_store = require "filo.core.store"
local inside = require "filo.base.inside"
local runtime = require "filo.core.runtime"

local going = {}

local function is_good(file, version) return file ~= nil and file.intact and file.fields.version >= version end

---What lies at some machines at a place.
---@param machines filo.sim.Machine[]
---@return table<filo.sim.Machine, filo.sim.File>
local function look(machines, namespace, path)
  local files = {}
  for _, machine in ipairs(machines) do files[machine] = machine.disk:file(namespace, path) end
  return files
end

---Whether one that a machine was connected with may have had a good copy of at least a version at some time since then.
---@param before table<filo.sim.Machine, filo.sim.File>  what there was at that time
local function had_another(machine, before, namespace, path, version, since)
  for other in pairs(machine:met_since(since)) do
    local has = is_good(before[other], version) or is_good(other.disk:file(namespace, path), version)
    if has or not other:was_calm(since) then return true end
  end
  return false
end

---An owner's own goes only when one that it is connected with has proved its copy.
local function watch_evict(world, machine, deleting)
  local evict, namespace = deleting.evict, machine.disk.namespace
  function deleting.evict(_, name)
    local since, files = runtime.now(), look(world.machines, namespace, name.path)
    local _ <close> = world.atlas:evict(machine, namespace, name.path)
    local ok, err = evict(deleting, name)
    local own = files[machine]
    if not ok or not own or own.unreadable then return ok, err end
    if had_another(machine, files, namespace, name.path, own.fields.version, since) then
      world.checks:pass "evict"
    else
      local entry = world.ledger:at(namespace, name.path)
      world.checks:violate("evict", entry, "%s: the copy at %s was evicted, and no other in reach is good", name.key, machine.name)
    end
    return ok, err
  end
end

---One whose copy is no good one, and is what it was before all the time.
---@param keepers filo.sim.Machine[]
---@return filo.sim.Machine?
local function bad_among(keepers, before, namespace, path, version)
  for _, keeper in ipairs(keepers) do
    local file = before[keeper]
    if file and not is_good(file, version) and keeper.disk:file(namespace, path) == file then return keeper end
  end
end

---One too many goes only when all that should have one have proved theirs. One of an older version is nobody's last one: that was given up.
local function watch_drop(world, machine, surplus)
  local drop = surplus.drop
  function surplus.drop(_, item, ids)
    if item.older then return drop(surplus, item, ids) end
    local row, keepers = item.row, {}
    local path = core_store.cas_path("sha1", 2, 1, row.key_hash)
    for i, id in ipairs(ids) do keepers[i] = world.by_id[id] end
    local files = look(keepers, row.namespace, path)
    local _ <close> = world.atlas:evict(machine, row.namespace, path)
    local ok, err = drop(surplus, item, ids)
    if not ok then return ok, err end
    local bad = bad_among(keepers, files, row.namespace, path, row.version)
    if bad then
      local entry = world.ledger:at(row.namespace, path)
      world.checks:violate("evict", entry, "%s dropped its copy as one too many, and the one at %s is not good", machine.name, bad.name)
    else
      world.checks:pass "evict"
    end
    return ok, err
  end
end

---Looks at all that goes at a node, from its start on.
---@param world filo.sim.World
---@param machine filo.sim.Machine
---@param node filo.Node
function going.watch(world, machine, node)
  local parts = inside.of(node)
  watch_evict(world, machine, parts.deleting)
  if parts.repair then watch_drop(world, machine, parts.repair.surplus) end
end

return going
