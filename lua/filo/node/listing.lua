---Listing: objects of this node's own, copies that are held here for others, and what peers hold of this node's.

local errors = require "filo.base.errors"
local keys = require "filo.copies.keys"
local quotas = require "filo.copies.quotas"
local versions = require "filo.copies.versions"

---@class filo.Listing
local Listing = {}
Listing.__index = Listing

---@param given {host: filo.Host, disk: table, names: filo.Names, catalogue: filo.Catalogue, namespace: string, root: string,
---  inventory: filo.Inventory, quotas: filo.Quotas, kept: filo.KeptVersions, writes: (fun(raw_id: string): boolean),
---  in_trash: (fun(): fun(): filo.core.Old?), names_of: fun(raw_id: string): filo.Names?}  names_of: of a namespace that can be read
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
    etag = row.etag,
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
---@field etag? string  what stands for its content, as who stored it said

---@return filo.KeyItem
local function item_of(row)
  return {
    key = row.name, size = row.size, version = row.version, modified = row.modified, class = row.class, encrypted = not row.plain,
    here = not row.elsewhere, verified = row.verified > 0 and row.verified or nil, conflict = row.conflict,
    etag = row.etag,
  }
end

---As Node:keys.
---@param after? string  those whose key comes after this one
function Listing:keys(prefix, on_corrupt, after)
  return go_over(self, self.catalogue:list(prefix, false, after), self.namespace, item_of, on_corrupt)
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

---What is kept here of one owner, or was brought by one member.
---@class filo.Usage
---@field owner? string  namespace, 64 hex digits
---@field member? string  node ID
---@field objects integer
---@field deleted integer  deletions of theirs that are known here
---@field bytes integer  of content
---@field versions? integer  old ones that are kept, beside these; nil: none
---@field version_bytes? integer  of these
---@field counted? integer  what that counts where there is a quota, in bytes; nil: it is this node's own
---@field limit? integer  the quota

---@param kind "owner"|"member"|"total"
---@param whose? string  raw
---@return filo.Usage
local function usage_of(self, kind, whose, usage)
  local item = { objects = usage.objects, deleted = usage.deleted, bytes = usage.bytes }
  item.versions, item.version_bytes = usage.versions, usage.version_bytes
  if whose then item[kind] = self.host.crypto.hex(whose) end
  if kind == "owner" and self.writes(whose) then return item end
  local old = { objects = item.versions or 0, bytes = item.version_bytes or 0 }
  item.counted, item.limit = quotas.counted(item) + quotas.counted(old), self.quotas:most(kind, whose)
  return item
end

---What is kept of owners, with their old versions.
---@param owners filo.core.Usage[]
local function with_versions(self, owners)
  local of, list = {}, {}
  for i, usage in ipairs(owners) do
    list[i] = usage
    of[usage.namespace] = usage
  end
  for _, old in ipairs(self.kept:usage()) do
    local usage = of[old.namespace]
    if not usage then
      usage = { namespace = old.namespace, objects = 0, deleted = 0, bytes = 0 }
      list[#list + 1] = usage
    end
    usage.versions, usage.version_bytes = old.objects, old.bytes
  end
  table.sort(list, function(a, b) return a.namespace < b.namespace end)
  return list
end

---As Node:usage.
---@param by "owner"|"member"|"total"
---@return filo.Usage[]
function Listing:usage(by)
  self.catalogue:begin()
  local owners, bringers = self.catalogue:usage()
  if by ~= "member" then owners = with_versions(self, owners) end
  local list, all = {}, { objects = 0, deleted = 0, bytes = 0, versions = 0, version_bytes = 0 }
  for _, usage in ipairs(by == "member" and bringers or owners) do
    local own = usage.namespace == self.namespace
    table.insert(list, own and 1 or #list + 1, usage_of(self, by == "member" and by or "owner", usage.namespace or usage.bringer, usage))
    for name, sum in pairs(all) do all[name] = sum + (own and 0 or usage[name] or 0) end
  end
  if all.versions == 0 then all.versions, all.version_bytes = nil, nil end
  return by == "total" and { usage_of(self, by, nil, all) } or list
end

---A version that others have taken the place of.
---@class filo.KeptVersion
---@field version integer
---@field time integer  when it was made, in seconds since 1970
---@field size integer  bytes of content
---@field here boolean  it is kept here
---@field nodes string[]  IDs of all nodes that keep it, this one first

---A copy in the trash.
---@class filo.Trashed
---@field owner string  namespace, 64 hex digits
---@field key? string  of an object that this node can read
---@field key_hash string  32 bytes
---@field version integer
---@field size integer  bytes of content
---@field time integer  when it came there, in seconds since 1970
---@field why "dropped"|"deleted"  this node wanted no copy here any more; it was deleted

---@return string?
local function key_of(self, old)
  local names = self.names_of(old.namespace)
  local object <close> = names and self.disk:old_object(old)
  local content_key, meta = nil, nil
  if object then content_key, meta = names:unseal(object:record()) end
  return content_key and type(meta.name) == "string" and meta.name or nil
end

---As Node:trash.
---@return fun(): filo.Trashed?
function Listing:trash()
  local next_old = self.in_trash()
  return function()
    local old = next_old()
    return old and {
      owner = self.host.crypto.hex(old.namespace), key = key_of(self, old), key_hash = old.key_hash, version = old.version, size = old.size,
      time = old.time, why = old.why,
    }
  end
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
