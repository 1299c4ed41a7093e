---How many simulated machines have a copy of an object of `owner`'s that is no deletion.

local inside = require "filo.base.inside"

---@param net spec.SimulatedNet
---@param owner filo.Node
---@param key string
---@return integer
return function(net, owner, key)
  local parts, count = inside.of(owner), 0
  local path = parts.names:path(parts.names:hash(key))
  for _, machine in ipairs(net.world.machines) do
    local file = machine.disk:file(parts.namespace, path)
    if file and not file.unreadable and not file.fields.tombstone then count = count + 1 end
  end
  return count
end
