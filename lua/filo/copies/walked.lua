---What the catalogue would tell, from the files themselves: for when it cannot be used. All of them are read, no ids are given, and files
---that are no objects, or cannot be read, are among the rows.

local keys = require "filo.copies.keys"

---Rows that are put in order in memory; of more, the others come as they lie.
local SORTED = 100000

---@class filo.Walked
local Walked = {}
Walked.__index = Walked

---@param given {host: filo.Host, disk: table, names: filo.Names, namespace: string, hand_out: fun(walk: any): any}
---@return filo.Walked
local function new(given) return setmetatable(given, Walked) end

---@return filo.CatalogueRow
local function row_of(self, entry)
  entry.verified = entry.verified or 0
  if entry.problem or entry.tombstone or entry.namespace ~= self.namespace then return entry end
  local content_key, meta = self.names:unseal(entry.record)
  if content_key and type(meta.name) == "string" then
    entry.name, entry.modified, entry.etag = meta.name, meta.modified, keys.etag_of(meta)
  end
  return entry
end

---Goes over what lies here, in no order.
---@param namespace? string  all when left out
---@param wanted fun(row: filo.CatalogueRow): any
---@param unread? fun(err: filo.Error): filo.CatalogueRow  given when nothing can be gone over; nil: nothing is
---@return fun(): filo.CatalogueRow?
local function each(self, namespace, wanted, unread)
  local walk, err = self.disk:walk(namespace)
  if not walk then
    self.host.log("warning", tostring(err))
    local row = unread and unread(err)
    return function()
      local given = row
      row = nil
      return given
    end
  end
  self.hand_out(walk)
  local batch, at = {}, 0
  return function()
    while true do
      at = at + 1
      if not batch[at] then
        batch, at = walk:next(), 1
        if not batch[1] then
          walk:close()
          return nil
        end
      end
      local row = row_of(self, batch[at])
      if wanted(row) then return row end
    end
  end
end

---The first rows in order, and then the others, of which there are many.
local function in_order(self, next_row, before)
  local list = {}
  for row in next_row do
    list[#list + 1] = row
    if #list == SORTED then break end
  end
  table.sort(list, before)
  local at = 0
  return function()
    at = at + 1
    if list[at] then return list[at] end
    local row = #list == SORTED and next_row()
    if row and at == SORTED + 1 then
      self.host.log("warning", ("without the catalogue, only the first %d objects that were found are in order"):format(SORTED))
    end
    return row or nil
  end
end

---As Catalogue:list, with records; after a name.
---@param prefix string
---@param after? string
function Walked:list(prefix, after)
  local next_row = each(self, self.namespace, function(row)
    return row.problem or row.name and row.name:sub(1, #prefix) == prefix and not (after and row.name <= after)
  end)
  return in_order(self, next_row, function(a, b) return (a.name or "") < (b.name or "") end)
end

function Walked:files(namespace)
  return each(self, namespace, function() return true end)
end

---Those of all namespaces; what is no object counts as never verified.
function Walked:verified_between(from, until_time)
  return each(self, nil, function(row)
    local verified = row.verified or 0
    return verified >= from and verified <= until_time
  end)
end

function Walked:tombstones(namespace)
  return each(self, namespace, function(row) return row.tombstone or row.problem ~= nil end, function(err)
    return { namespace = namespace, path = "what lies here", problem = err.code }
  end)
end

function Walked:outdated(namespace, below)
  return each(self, namespace, function(row) return not row.problem and not row.tombstone and row.generation < below end)
end

function Walked:generations(namespace, below)
  local outdated, newest = 0, 0
  for row in each(self, namespace, function(row) return not row.problem and not row.tombstone end) do
    if row.generation < below then outdated = outdated + 1 end
    newest = math.max(newest, row.generation)
  end
  return outdated, newest
end

function Walked:stalest()
  local next_row = each(self, self.namespace, function(row) return row.name or row.problem end)
  return in_order(self, next_row, function(a, b)
    if a.verified ~= b.verified then return a.verified < b.verified end
    return a.path < b.path
  end)
end

---Adds a row to what there is in a list of one field's value.
local function add(of, list, field, row)
  local value = row[field]
  if not value then return end
  local usage = of[value]
  if not usage then
    usage = { [field] = value, objects = 0, deleted = 0, bytes = 0 }
    of[value], list[#list + 1] = usage, usage
  end
  local what = row.tombstone and "deleted" or "objects"
  usage[what], usage.bytes = usage[what] + 1, usage.bytes + row.size
end

function Walked:usage()
  local of_owner, owners, of_bringer, bringers = {}, {}, {}, {}
  for row in each(self, nil, function(row) return not row.problem end) do
    add(of_owner, owners, "namespace", row)
    add(of_bringer, bringers, "bringer", row)
  end
  return owners, bringers
end

return new
