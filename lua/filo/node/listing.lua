---Listing: objects of this node's own, copies that are held here for others, and what peers hold of this node's.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local keys = require "filo.copies.keys"

---@class filo.Listing
local Listing = {}
Listing.__index = Listing

---@param given {host: filo.Host, disk: table, names: filo.Names, namespace: string, root: string, inventory: filo.Inventory,
---  hand_out: fun(walk: any): any}
---@return filo.Listing
local function new(given) return setmetatable(given, Listing) end

---Where an entry lies, for people.
local function place(self, entry)
  return ("%s/objects/%s/%s"):format(self.root, self.host.crypto.hex(entry.namespace), entry.path)
end

---What cannot be read is passed over: it hides nothing else. The first is named, the others are counted.
local function note(self, seen, entry)
  seen.unread = seen.unread + 1
  if seen.unread > 1 then return end
  self.host.log("warning", ("cannot list %s: %s"):format(place(self, entry), entry.problem))
end

---A file that is no object is told when it is asked for, or here to who wants to know.
local function note_problem(self, seen, entry, on_corrupt)
  if entry.problem ~= "corrupt" then return note(self, seen, entry) end
  if on_corrupt then on_corrupt(place(self, entry)) end
end

---Goes over what lies here, for a `for` loop.
---@param namespace? string  all when left out
---@param concerns fun(namespace: string): boolean  whether what cannot be read there is told of
---@param describe fun(entry: table): table?  what the loop is given of an entry that can be read; nil: it is passed over
---@param on_corrupt? fun(path: string)
local function walk(self, namespace, concerns, describe, on_corrupt)
  local entries, err = self.disk:walk(namespace)
  if not entries then
    self.host.log("warning", tostring(err))
    return function() end
  end
  self.hand_out(entries)
  local batch, at, seen = {}, 0, { unread = 0 }
  local function next_item()
    while true do
      at = at + 1
      if not batch[at] then
        batch, at = entries:next(), 1
        if not batch[1] then return nil end
      end
      local entry = batch[at]
      if entry.problem and concerns(entry.namespace) then note_problem(self, seen, entry, on_corrupt) end
      local item = not entry.problem and describe(entry)
      if item then return item end
    end
  end
  return next_item, nil, nil, at_end(function()
    entries:close()
    if seen.unread > 1 then
      local folder = namespace and self.host.crypto.hex(namespace) or ""
      self.host.log("warning", ("cannot list %d more below %s/objects/%s"):format(seen.unread - 1, self.root, folder))
    end
  end)
end

---As Node:list.
function Listing:items(prefix, on_corrupt)
  local function describe(entry)
    if entry.tombstone then return nil end
    local content_key, meta = self.names:unseal(entry.record)
    if not content_key or type(meta.name) ~= "string" or meta.name:sub(1, #prefix) ~= prefix then return nil end
    return keys.describe(entry, meta, "here")
  end
  return walk(self, self.namespace, function() return true end, describe, on_corrupt)
end

---As Node:held.
---@param owner? string  node ID
function Listing:held(owner)
  local hex, unhex = self.host.crypto.hex, self.host.crypto.unhex
  local function is_foreign(namespace) return namespace ~= self.namespace end
  local function describe(entry)
    if not is_foreign(entry.namespace) then return nil end
    return {
      owner = hex(entry.namespace), key_hash = entry.key_hash, version = entry.version, size = entry.size, tombstone = entry.tombstone,
    }
  end
  return walk(self, owner and unhex(owner:lower()), is_foreign, describe)
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

---Each once, or a peer could go on for ever with the same.
local function note_listed(listed, entry, id)
  if listed[entry.key_hash] then
    error(errors.new("protocol", ("node %s lists the same object twice"):format(id), { peer = id }), 0)
  end
  listed[entry.key_hash] = true
end

---As Node:held_by.
---@param id string  of the peer
function Listing:held_by(id)
  local batch, at, after, asked, empty, listed = {}, 0, nil, false, 0, {}
  return function()
    at = at + 1
    while not batch[at] do
      if asked and not after then return nil end
      local entries, next_after = self.inventory:next(id, after)
      if not entries then error(next_after, 0) end
      batch, at, after, asked = entries, 1, next_after, true
      empty = batch[1] and 0 or empty + 1
      if empty > EMPTY_ANSWERS then
        error(errors.new("protocol", ("node %s lists nothing, again and again"):format(id), { peer = id }), 0)
      end
    end
    local entry = batch[at]
    note_listed(listed, entry, id)
    local content_key, meta = self.names:unseal(entry.record)
    return {
      key = content_key and meta.name or nil, key_hash = entry.key_hash, version = entry.version, size = entry.size,
      tombstone = entry.tombstone,
    }
  end
end

return new
