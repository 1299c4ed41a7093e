---Catalogues of stores for tests.
---
---    local disk <close> = stores.open(folder, { durability = "full" })
---    local catalogue <close> = catalogues.open(disk)

local cbor = require "filo.core.cbor"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"

local catalogues = {}

---What a page gives, once it can be asked.
function catalogues.ask(catalogue, method, ...)
  while true do
    local page, err = catalogue[method](catalogue, ...)
    if page or err.code ~= "busy" then return page, err end
    runtime.sleep(0.001)
  end
end

---A catalogue that can be asked, or cannot be used.
function catalogues.open(disk, keys)
  local catalogue = assert(disk:catalogue(keys or stores.me))
  repeat
    runtime.sleep(0)
    local state = catalogue:state()
  until state == "ready" or state == "failed"
  return catalogue
end

---Stores an object whose owner calls it `name`, at once.
---@param what? table  as for stores.put
function catalogues.put(disk, name, content, what)
  what = what or {}
  local given = { key = name, meta = cbor.encode { name = name, modified = what.modified } }
  for field, value in pairs(what) do given[field] = value end
  return stores.put(disk, content or "content", given)
end

---The names that start with a prefix, in pages of some.
---@return string[]
function catalogues.names(catalogue, prefix, most)
  local names, after = {}, nil
  while true do
    local page, last = assert(catalogues.ask(catalogue, "names", stores.me:raw_id(), prefix or "", after, most))
    for _, row in ipairs(page) do names[#names + 1] = row.name end
    if not last then return names end
    after = last
  end
end

---How much there is of a namespace: objects, deletions, bytes.
---@return integer[]
function catalogues.usage(catalogue, keys)
  for _, each in ipairs(assert(catalogues.ask(catalogue, "usage"))) do
    if each.namespace == (keys or stores.me):raw_id() then return { each.objects, each.deleted, each.bytes } end
  end
  return { 0, 0, 0 }
end

---How many files were gone over to make it.
---@return integer
function catalogues.seen(catalogue) return (select(2, catalogue:state())) end

return catalogues
