---Deletions in a store, and packing them; and a node that packs at once.

local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local stores = require "spec.support.stores"

local packed = {}

---@param path? string
---@param keys? filo.Keys  whose it is: stores.me
---@return string record
function packed.bury(disk, key, version, path, keys)
  local what = stores.version(stores.key_hash(key), version or 5, "what is said")
  return assert(disk:tombstone(keys or stores.me, what, path or stores.path(key)))
end

---Packs those of some keys; gives how many these were.
function packed.pack(disk, ...)
  local paths = {}
  for i, key in ipairs { ... } do paths[i] = stores.path(key) end
  return assert(disk:pack(stores.me:raw_id(), paths))
end

function packed.stat(disk, key) return disk:stat(stores.me:raw_id(), stores.path(key)) end

---All that lies in a store, or of one namespace, in an order.
function packed.walk(disk, namespace)
  local found, walker <close> = {}, assert(disk:walk(namespace))
  repeat
    local entries = assert(walker:next())
    for _, entry in ipairs(entries) do found[#found + 1] = entry end
  until #entries == 0
  table.sort(found, function(a, b) return a.namespace .. a.path < b.namespace .. b.path end)
  return found
end

---Until the end of the scope, nodes that start pack all deletions at once.
function packed.at_once() return limits { pack_first = 0.01, pack = 0.01, pack_after = -2 } end

---Files below objects/ of a node.
function packed.files(node)
  local pipe <close> = assert(io.popen(("find %s/objects -type f 2>/dev/null | wc -l"):format(node.root)))
  return pipe:read "n"
end

---Waits until nodes have no file any more.
function packed.wait(...)
  for _, node in ipairs { ... } do
    nodes.wait(function() return packed.files(node) == 0 end, "packing at " .. node.root)
  end
end

return packed
