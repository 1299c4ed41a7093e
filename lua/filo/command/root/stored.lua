---Counts what lies in a root, for each namespace that it is of: beside the running node, which has no part in that.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local store = require "filo.core.store"

---A root with very many objects takes minutes to be gone through.
local SECONDS = 2

---@class filo.Stored
---@field owner string  namespace of who stored it
---@field objects integer
---@field deleted integer  tombstones
---@field bytes integer  of content

local function count(found, of, entry)
  if entry.problem then return end
  local owner = crypto.hex(entry.namespace)
  local mine = of[owner]
  if not mine then
    mine = { owner = owner, objects = 0, deleted = 0, bytes = 0 }
    of[owner], found[#found + 1] = mine, mine
  end
  if entry.tombstone then
    mine.deleted = mine.deleted + 1
  else
    mine.objects, mine.bytes = mine.objects + 1, mine.bytes + entry.size
  end
end

---All of it, or as much as there is time for.
---@param root string
---@param id string  of the node that it belongs to
---@param own string  the node's own namespace, whose objects come first; the others in the order of their IDs
---@return filo.Stored[]?
---@return boolean|filo.Error whole  false: there is more; or err
return function(root, id, own)
  local disk <close>, err = store.open(root, crypto.unhex(id), nil, nil, true)
  if not disk then return nil, err end
  local walk <close>, problem = disk:walk()
  if not walk then return nil, problem end
  local found, of = {}, {}
  local whole = filo.timeout(SECONDS, function()
    while true do
      local entries = walk:next()
      if not entries[1] then return true end
      for _, entry in ipairs(entries) do count(found, of, entry) end
    end
  end)
  table.sort(found, function(a, b)
    if (a.owner == own) ~= (b.owner == own) then return a.owner == own end
    return a.owner < b.owner
  end)
  return found, whole == true
end
