---Listing: objects of this node's own, copies that are held here for others, and what peers hold of this node's.

local errors = require "filo.base.errors"
local keys = require "filo.copies.keys"
local versions = require "filo.copies.versions"

---@class filo.Listing
local Listing = {}
Listing.__index = Listing

---@param given {host: filo.Host, names: filo.Names, catalogue: filo.Catalogue, namespace: string, root: string,
---  inventory: filo.Inventory, writes: fun(raw_id: string): boolean}
---@return filo.Listing
local function new(given) return setmetatable(given, Listing) end

---Where a row's file lies, for people.
local function place(self, row)
  return ("%s/objects/%s/%s"):format(self.root, self.host.crypto.hex(row.namespace), row.path)
end

---What cannot be read is passed over: it hides nothing else. The first is named, the others are counted.
local function note(self, seen, row)
  seen.unread = seen.unread + 1
  if seen.unread > 1 then return end
  self.host.log("warning", ("cannot list %s: %s"):format(place(self, row), row.problem))
end

---A file that is no object is told when it is asked for, or here to who wants to know.
local function note_problem(self, seen, row, on_corrupt)
  if row.problem ~= "corrupt" then return note(self, seen, row) end
  if on_corrupt then on_corrupt(place(self, row)) end
end

---Goes over rows, and then over files that are no objects or cannot be read, for a `for` loop.
---@param next_row fun(): filo.CatalogueRow?
---@param namespace? string  problems that are told of; nil: of all others' than this node's own
---@param describe fun(row: filo.CatalogueRow): table?  what the loop is given; nil: it is passed over
---@param on_corrupt? fun(path: string)
local function go_over(self, next_row, namespace, describe, on_corrupt)
  local seen = { unread = 0 }
  local function concerns(row)
    if namespace then return row.namespace == namespace end
    return not self.writes(row.namespace)
  end
  self.catalogue:begin()
  local function next_item()
    for row in next_row do
      if row.problem then note_problem(self, seen, row, on_corrupt) end
      local item = not row.problem and describe(row)
      if item then return item end
    end
    for row in self.catalogue:problems() do
      if concerns(row) then note_problem(self, seen, row, on_corrupt) end
    end
    if seen.unread > 1 then
      local folder = namespace and self.host.crypto.hex(namespace) or ""
      self.host.log("warning", ("cannot list %d more below %s/objects/%s"):format(seen.unread - 1, self.root, folder))
    end
  end
  return next_item
end

---What is known of an object of which the newest version is not here.
local function elsewhere(row)
  return {
    key = row.name, size = row.size, version = row.version, modified = row.modified, class = row.class,
    encrypted = not row.plain, from = "listed", here = false, conflict = row.conflict,
  }
end

---As Node:list.
function Listing:items(prefix, on_corrupt)
  local function describe(row)
    if row.tombstone then return nil end
    if row.elsewhere then return elsewhere(row) end
    local content_key, meta = self.names:unseal(row.record)
    if not content_key or type(meta.name) ~= "string" or meta.name:sub(1, #prefix) ~= prefix then return nil end
    local item = keys.describe(row, meta, "here")
    item.here, item.conflict = true, meta.conflict
    return item
  end
  return go_over(self, self.catalogue:list(prefix, true), self.namespace, describe, on_corrupt)
end

---What is known of an object without opening its file.
---@class filo.KeyItem
---@field key string
---@field size integer  bytes of content
---@field version integer
---@field modified? integer  seconds since 1970
---@field class integer
---@field encrypted boolean
---@field here boolean  this version lies here; false: it is the newest that peers are known to have
---@field verified? integer  when all of it was last hashed and found good, as is known; seconds since 1970
---@field conflict? string  of a conflict copy: the key of what it was kept beside

---@return filo.KeyItem
local function item_of(row)
  return {
    key = row.name, size = row.size, version = row.version, modified = row.modified, class = row.class, encrypted = not row.plain,
    here = not row.elsewhere, verified = row.verified > 0 and row.verified or nil, conflict = row.conflict,
  }
end

---As Node:keys.
function Listing:keys(prefix, on_corrupt)
  return go_over(self, self.catalogue:list(prefix), self.namespace, item_of, on_corrupt)
end

---As Node:keys of all, those first that were verified longest ago, or never.
function Listing:stalest(on_corrupt)
  return go_over(self, self.catalogue:stalest(), self.namespace, item_of, on_corrupt)
end

---Rows of what is kept for others.
local function rows_for_others(self)
  local owners, at, next_row = nil, 0, function() end
  return function()
    owners = owners or self.catalogue:usage()
    while true do
      local row = next_row()
      if row then return row end
      at = at + 1
      if not owners[at] then return nil end
      if not self.writes(owners[at].namespace) then next_row = self.catalogue:files(owners[at].namespace) end
    end
  end
end

---As Node:held.
---@param owner? string  namespace, 64 hex digits
function Listing:held(owner)
  local hex, unhex = self.host.crypto.hex, self.host.crypto.unhex
  local wanted = owner and unhex(owner:lower())
  local function describe(row)
    return { owner = hex(row.namespace), key_hash = row.key_hash, version = row.version, size = row.size, tombstone = row.tombstone }
  end
  local next_row = not wanted and rows_for_others(self) or self.writes(wanted) and function() end or self.catalogue:files(wanted)
  return go_over(self, next_row, wanted, describe)
end

---What is kept here of one owner.
---@class filo.Usage
---@field owner string  namespace, 64 hex digits
---@field objects integer
---@field deleted integer  deletions of theirs that are known here
---@field bytes integer  of content

---As Node:usage.
---@return filo.Usage[]
function Listing:usage()
  self.catalogue:begin()
  local list = {}
  for _, usage in ipairs(self.catalogue:usage()) do
    local own = usage.namespace == self.namespace
    table.insert(list, own and 1 or #list + 1, {
      owner = self.host.crypto.hex(usage.namespace), objects = usage.objects, deleted = usage.deleted, bytes = usage.bytes,
    })
  end
  return list
end

---A copy of an own object at a peer. Its key is known where the sealed metadata can be opened.
---@class filo.CopyThere
---@field key? string
---@field key_hash string  32 bytes
---@field version integer
---@field size integer  bytes of content
---@field tombstone boolean  it is a deletion

---So many times in a row a peer may have nothing to tell but that there is more: of copies that it cannot read.
local EMPTY_ANSWERS = 100

---Whether an object was not listed before. A version that has taken the place of another meanwhile is listed, too; with the same one again
---a peer could go on for ever.
local function note_listed(listed, entry, id)
  local before = listed[entry.key_hash]
  if before and not versions.newer(entry, before) then
    error(errors.new("protocol", ("node %s lists the same object twice"):format(id), { peer = id }), 0)
  end
  listed[entry.key_hash] = { version = entry.version, nonce = entry.nonce }
  return not before
end

---As Node:held_by.
---@param id string  of the peer
function Listing:held_by(id)
  local batch, at, at_peer, empty, listed = {}, 0, { after = 0 }, 0, {}
  local function next_entry()
    at = at + 1
    while not batch[at] do
      local entries, next_at = self.inventory:next(id, at_peer)
      if next_at == nil then return nil end
      if not entries then error(next_at, 0) end
      batch, at, at_peer = entries, 1, next_at
      empty = batch[1] and 0 or empty + 1
      if empty > EMPTY_ANSWERS then
        error(errors.new("protocol", ("node %s lists nothing, again and again"):format(id), { peer = id }), 0)
      end
    end
    return batch[at]
  end
  return function()
    local entry
    repeat entry = next_entry() until not entry or note_listed(listed, entry, id)
    if not entry then return nil end
    local content_key, meta = self.names:unseal(entry.record)
    return {
      key = content_key and meta.name or nil, key_hash = entry.key_hash, version = entry.version, size = entry.size,
      tombstone = entry.tombstone,
    }
  end
end

return new
