---The catalogue of a simulated store: what filo.core.Catalogue gives. It is never behind, since it is made anew for each page, from what
---lies on the simulated disk.

local beliefs = require "filo.sim.beliefs"
local cbor = require "filo.core.cbor"
local errors = require "filo.base.errors"
local names = require "filo.copies.keys"
local record = require "filo.sim.record"
local sorted_keys = require "filo.base.sorted_keys"
local versions = require "filo.copies.versions"

local PAGE = 512

---@class filo.sim.Catalogue
local Catalogue = {}
Catalogue.__index = Catalogue

for name, method in pairs(beliefs) do Catalogue[name] = method end

---@param store filo.sim.Store
---@param ... filo.Keys
---@return filo.sim.Catalogue
local function new(store, ...)
  local self = setmetatable({
    store = store, keys = {}, ids = {}, count = 0, life = store.random:bytes(16), told = {}, elsewhere = {}, lists = {},
    unknown = {},
  }, Catalogue)
  for _, each in ipairs(store.disk:list()) do -- it was made anew, from what could be read
    local file = store.disk:file(each.namespace, each.path)
    if file.unreadable then self.unknown[each.namespace .. each.path] = file end
  end
  for _, keys in ipairs { ... } do self:add_keys(keys) end
  return self
end

---Those to the same namespace take the place of others.
function Catalogue:add_keys(keys)
  self.keys[keys:raw_id()] = keys
  return true
end

---The number of what lies at a place, which it keeps: another version there gets a larger one.
local function id_of(self, each, bytes)
  local place = each.namespace .. each.path
  local known = self.ids[place]
  if not known or known.bytes ~= bytes then
    self.count = self.count + 1
    known = { id = self.count, bytes = bytes }
    self.ids[place] = known
  end
  return known.id
end

local function describe(self, row)
  local keys = not row.tombstone and self.keys[row.namespace]
  if not keys then return end
  local content_key, meta = record.unseal(keys, row.record)
  meta = content_key and cbor.decode(meta)
  if meta then row.name, row.modified, row.conflict, row.etag = meta.name, meta.modified, meta.conflict, names.etag_of(meta) end
end

local function row_of(self, each)
  local file = self.store.disk:file(each.namespace, each.path)
  local row = { id = id_of(self, each, not file.unreadable and file.record), namespace = each.namespace, path = each.path }
  if file.unreadable then
    row.problem = "corrupt"
    return row
  end
  for name, value in pairs(file.fields) do row[name] = value end
  row.record, row.verified = file.record, file.verified or 0
  describe(self, row)
  self.ids[each.namespace .. each.path].row = row
  return row
end

-- What lies elsewhere -------------------------------------------------------------------------------------------------

local NOTED = {
  "namespace", "key_hash", "version", "nonce", "size", "tombstone", "plain", "class", "name", "modified", "conflict", "etag",
}

---Of one object the newest version counts.
local function note_elsewhere(self, row)
  local object = row.namespace .. row.key_hash
  local known = self.elsewhere[object]
  if known and not versions.newer(row, known) then return end
  local noted = { elsewhere = true, verified = 0 }
  for _, name in ipairs(NOTED) do noted[name] = row[name] end
  self.elsewhere[object] = noted
end

---What lay here and is gone lies elsewhere; what lies here in a version that is as new does not.
local function settle(self, namespace)
  for _, place in ipairs(sorted_keys(self.ids)) do
    local row = self.ids[place].row
    local file = row and self.store.disk:file(row.namespace, row.path)
    local gone = row and (not file or file.unreadable)
    if gone and row.name then note_elsewhere(self, row) end
    if gone then self.ids[place].row = nil end
  end
  local here = {}
  for _, each in ipairs(self.store.disk:list(namespace)) do
    local row = row_of(self, each)
    local known = not row.problem and self.elsewhere[namespace .. row.key_hash]
    if known and not versions.newer(known, row) then self.elsewhere[namespace .. row.key_hash] = nil end
    if not row.problem then here[row.key_hash] = row end
  end
  return here
end

---The rows of all that has a name, each in its newest version.
local function named(self, namespace)
  local here, rows = settle(self, namespace), {}
  for _, object in ipairs(sorted_keys(self.elsewhere)) do
    local row = self.elsewhere[object]
    if row.namespace == namespace then here[row.key_hash] = row end
  end
  for _, key_hash in ipairs(sorted_keys(here)) do
    if here[key_hash].name then rows[#rows + 1] = here[key_hash] end
  end
  return rows
end

---@return boolean news, boolean deletes  what lies here
local function compare(self, here, fields)
  local there, elsewhere = here[fields.key_hash], self.elsewhere[fields.namespace .. fields.key_hash]
  local newer = not there or versions.newer(fields, there)
  return newer and (not elsewhere or versions.newer(fields, elsewhere)),
    newer and there ~= nil and fields.tombstone and not there.tombstone
end

function Catalogue:note(namespace, peer, life, after, records)
  self.store:pause()
  if not self.keys[namespace] then return errors.fail("denied", "no names of that namespace can be read") end
  local here, rows, deletions = settle(self, namespace), {}, {}
  for i, bytes in ipairs(records) do
    local fields, err = record.parse(self.store.keyring, bytes)
    if not fields then return nil, err end
    if fields.namespace ~= namespace then return errors.fail("denied", "a record of another namespace was listed") end
    local news, deletes = compare(self, here, fields)
    fields.record = bytes
    describe(self, fields)
    if news then rows[#rows + 1] = fields end
    if deletes then deletions[#deletions + 1] = i end
  end
  if deletions[1] then return deletions end
  for _, row in ipairs(rows) do note_elsewhere(self, row) end
  self.lists[namespace .. peer] = { after = after, life = life }
  return true
end

function Catalogue:noted(namespace, peer)
  self.store:pause()
  local list = self.lists[namespace .. peer]
  if not list then return 0 end
  return list.after, list.life
end

-- Pages ---------------------------------------------------------------------------------------------------------------

---The first rows, in an order, of those that are wanted.
local function page(self, namespace, wanted, before, most)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local rows = {}
  for _, each in ipairs(self.store.disk:list(namespace)) do
    local row = row_of(self, each)
    if wanted(row) then rows[#rows + 1] = row end
  end
  table.sort(rows, before)
  return table.move(rows, 1, most or PAGE, 1, {})
end

local function by_id(a, b) return a.id < b.id end

function Catalogue:names(namespace, prefix, after, most)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local rows = {}
  for _, row in ipairs(self.keys[namespace] and named(self, namespace) or {}) do
    if row.name:sub(1, #prefix) == prefix and (not after or row.name > after) then rows[#rows + 1] = row end
  end
  table.sort(rows, function(a, b) return a.name < b.name end)
  rows = table.move(rows, 1, most or PAGE, 1, {})
  return rows, rows[1] and rows[#rows].name
end

Catalogue.records = Catalogue.names

function Catalogue:files(namespace, after)
  return page(self, namespace, function(row) return not row.problem and row.id > after end, by_id)
end

function Catalogue:tombstones(namespace, after)
  return page(self, namespace, function(row) return row.tombstone and row.id > after end, by_id)
end

function Catalogue:outdated(namespace, below, generation, after)
  return page(self, namespace, function(row)
    local is_after = not row.problem and (row.generation > generation or row.generation == generation and row.id > after)
    return is_after and not row.tombstone and row.generation < below
  end, function(a, b)
    if a.generation ~= b.generation then return a.generation < b.generation end
    return a.id < b.id
  end)
end

function Catalogue:generations(namespace, below)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local outdated, newest = 0, 0
  for _, each in ipairs(self.store.disk:list(namespace)) do
    local fields = self.store.disk:file(each.namespace, each.path).fields
    local generation = fields and not fields.tombstone and fields.generation
    if generation and generation < below then outdated = outdated + 1 end
    newest = math.max(newest, generation or 0)
  end
  return outdated, newest
end

function Catalogue:problems(after)
  return page(self, nil, function(row) return row.problem and row.id > after end, by_id)
end

function Catalogue:feed(namespace, life, after, most)
  if life ~= self.life then after = 0 end
  local told = self.told[namespace]
  if told and told.changes == self.store.disk.changes and told.after <= after then return {}, after, self.life end
  local rows, err = page(self, namespace, function(row) return not row.problem and row.id > after end, by_id, most)
  if not rows then return nil, err end
  local records = {}
  for i, row in ipairs(rows) do records[i] = row.record end
  if not rows[1] then self.told[namespace] = { changes = self.store.disk.changes, after = after } end
  return records, rows[1] and rows[#rows].id or after, self.life
end

function Catalogue:stalest(namespace, verified, after)
  return page(self, namespace, function(row)
    return row.name and (row.verified > verified or row.verified == verified and row.id > after)
  end, function(a, b)
    if a.verified ~= b.verified then return a.verified < b.verified end
    return a.id < b.id
  end)
end

---Adds a file to what there is of one.
local function count(of, name, value, file)
  local usage = of[value]
  if not usage then
    usage = { [name] = value, objects = 0, deleted = 0, bytes = 0 }
    of[value] = usage
  end
  local what = file.fields.tombstone and "deleted" or "objects"
  usage[what], usage.bytes = usage[what] + 1, usage.bytes + file.fields.size
end

local function in_order(of)
  local list = {}
  for i, value in ipairs(sorted_keys(of)) do list[i] = of[value] end
  return list
end

---Whether a row comes after a place in the order of ages.
local function is_older(a, verified, size, id)
  if a.verified ~= verified then return a.verified > verified end
  if a.size ~= size then return a.size > size end
  return a.id > id
end

local function is_between(row, verified, size, id, until_time)
  return not row.problem and row.verified <= until_time and is_older(row, verified, size, id)
end

function Catalogue:oldest(verified, size, id, until_time, most)
  return page(self, nil, function(row) return is_between(row, verified, size, id, until_time) end,
    function(a, b) return is_older(b, a.verified, a.size, a.id) end, most)
end

function Catalogue:older(verified, size, id, until_time)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local objects, bytes = 0, 0
  for _, each in ipairs(self.store.disk:list()) do
    local row = row_of(self, each)
    if is_between(row, verified, size, id, until_time) then objects, bytes = objects + 1, bytes + row.size end
  end
  return objects, bytes, self.life
end

---What was there before it rotted, too.
function Catalogue:at(namespace, path)
  self.store:pause()
  local file = self.store.disk:file(namespace, path)
  if not file or self.unknown[namespace .. path] == file then return {} end
  local row = { record = file.record }
  for name, value in pairs(file.fields) do row[name] = value end
  describe(self, row)
  return { row }
end

function Catalogue:usage()
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local owners, bringers = {}, {}
  for _, each in ipairs(self.store.disk:list()) do
    local file = self.store.disk:file(each.namespace, each.path)
    if not file.unreadable then
      count(owners, "namespace", each.namespace, file)
      if file.bringer then count(bringers, "bringer", file.bringer, file) end
    end
  end
  return in_order(owners), in_order(bringers)
end

function Catalogue:state() return "ready", 0 end -- luacheck: no self

function Catalogue:refresh() end -- luacheck: no self

function Catalogue:close() end -- luacheck: no self

Catalogue.close_now = Catalogue.close

return new
