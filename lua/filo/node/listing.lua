---Listing what a node stores of its own.

local at_end = require "filo.host.at_end"
local keys = require "filo.copies.keys"

---@class filo.Listing
local Listing = {}
Listing.__index = Listing

---@param given {host: filo.Host, disk: table, names: filo.Names, namespace: string, folder: string, hand_out: fun(walk: any): any}
---@return filo.Listing
local function new(given) return setmetatable(given, Listing) end

local function describe(self, entry, prefix)
  if entry.problem or entry.tombstone then return nil end
  local content_key, meta = self.names:unseal(entry.record)
  if not content_key or type(meta.name) ~= "string" or meta.name:sub(1, #prefix) ~= prefix then return nil end
  return keys.describe(entry, meta, "here")
end

---What cannot be read is passed over: it hides nothing else. The first is named, the others are counted.
local function note(self, seen, entry)
  seen.unread = seen.unread + 1
  if seen.unread > 1 then return end
  self.host.log("warning", ("cannot list %s/%s: %s"):format(self.folder, entry.path, entry.problem))
end

---A file that is no object is told when it is asked for, or here to who wants to know.
local function note_problem(self, seen, entry, on_corrupt)
  if entry.problem ~= "corrupt" then return note(self, seen, entry) end
  if on_corrupt then on_corrupt(("%s/%s"):format(self.folder, entry.path)) end
end

---As Node:list.
function Listing:items(prefix, on_corrupt)
  local walk, err = self.disk:walk(self.namespace)
  if not walk then
    self.host.log("warning", tostring(err))
    return function() end
  end
  self.hand_out(walk)
  local batch, at, seen = {}, 0, { unread = 0 }
  local function next_item()
    while true do
      at = at + 1
      if not batch[at] then
        batch, at = walk:next(), 1
        if not batch[1] then return nil end
      end
      if batch[at].problem then note_problem(self, seen, batch[at], on_corrupt) end
      local item = describe(self, batch[at], prefix)
      if item then return item end
    end
  end
  return next_item, nil, nil, at_end(function()
    walk:close()
    if seen.unread > 1 then
      self.host.log("warning", ("cannot list %d more below %s"):format(seen.unread - 1, self.folder))
    end
  end)
end

return new
