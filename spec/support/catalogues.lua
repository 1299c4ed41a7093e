---Catalogues of stores for tests.
---
---    local disk <close> = stores.open(folder, { durability = "full" })
---    local catalogue <close> = catalogues.open(disk)

local cbor = require "filo.core.cbor"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

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
  local meta = { name = name, modified = what.modified, conflict = what.conflict, etag = what.etag }
  local given = { key = name, meta = cbor.encode(meta) }
  for field, value in pairs(what) do given[field] = value end
  return stores.put(disk, content or "content", given)
end

---The record of a version that lies somewhere else.
---@param what? table  as for put; and deleted
---@return string
function catalogues.record(name, version, what)
  what = what or {}
  local folder <close> = temp.folder()
  local disk <close> = stores.open(folder)
  if what.deleted then
    return assert(disk:tombstone(stores.me, stores.version(stores.key_hash(name), version, cbor.encode { name = name }), stores.path(name)))
  end
  what.version = version
  return catalogues.put(disk, name, what.content, what)
end

---A version of somebody else's, as a peer brings it: record and body.
---@return string record, string body
function catalogues.version_of_other(name, content, version)
  local folder <close> = temp.folder()
  local disk <close> = stores.open(folder)
  stores.put(disk, content, { key = name, keys = stores.other, version = version })
  local _, record, body = assert(disk:sealed(stores.other:raw_id(), stores.path(name), 1 << 20))
  return record, body
end

---A node brings it.
---@param by string  32 bytes
function catalogues.bring(disk, by, name, content, version)
  local record, body = catalogues.version_of_other(name, content, version or 1)
  assert(disk:keep(stores.path(name), record, body, nil, nil, by))
end

---What has names that start with a prefix, in pages of some.
---@return filo.CatalogueRow[]
function catalogues.rows(catalogue, prefix, most)
  local rows, after = {}, nil
  while true do
    local page, last = assert(catalogues.ask(catalogue, "names", stores.me:raw_id(), prefix or "", after, most))
    table.move(page, 1, #page, #rows + 1, rows)
    if not last then return rows end
    after = last
  end
end

---The names of these.
---@return string[]
function catalogues.names(catalogue, prefix, most)
  local names = {}
  for i, row in ipairs(catalogues.rows(catalogue, prefix, most)) do names[i] = row.name end
  return names
end

---The names of those that lie here.
---@return string[]
function catalogues.names_here(catalogue)
  local names = {}
  for _, row in ipairs(catalogues.rows(catalogue)) do
    if not row.elsewhere then names[#names + 1] = row.name end
  end
  return names
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
