---Listing what a node stores of its own.

local at_end = require "filo.host.at_end"
local names = require "filo.copies.names"

local listing = {}

local function describe(node, entry, prefix)
  if entry.problem or entry.tombstone then return nil end
  local content_key, meta = names.unseal(node, entry.record)
  if not content_key or type(meta.name) ~= "string" or meta.name:sub(1, #prefix) ~= prefix then return nil end
  return names.describe(entry, meta, "here")
end

local function folder(node) return ("%s/objects/%s"):format(node.root, node.id) end

---What cannot be read is passed over: it hides nothing else. The first is named, the others are counted.
local function note(node, seen, entry)
  seen.unread = seen.unread + 1
  if seen.unread > 1 then return end
  node.host.log("warning", ("cannot list %s/%s: %s"):format(folder(node), entry.path, entry.problem))
end

---A file that is no object is told when it is asked for, or here to who wants to know.
local function note_problem(node, seen, entry, on_corrupt)
  if entry.problem ~= "corrupt" then return note(node, seen, entry) end
  if on_corrupt then on_corrupt(("%s/%s"):format(folder(node), entry.path)) end
end

---As Node:list.
function listing.items(node, prefix, on_corrupt)
  local walk, err = node.disk:walk(node.namespace)
  if not walk then
    node.host.log("warning", tostring(err))
    return function() end
  end
  node.handed_out[walk] = true
  local batch, at, seen = {}, 0, { unread = 0 }
  local function next_item()
    while true do
      at = at + 1
      if not batch[at] then
        batch, at = walk:next(), 1
        if not batch[1] then return nil end
      end
      if batch[at].problem then note_problem(node, seen, batch[at], on_corrupt) end
      local item = describe(node, batch[at], prefix)
      if item then return item end
    end
  end
  return next_item, nil, nil, at_end(function()
    walk:close()
    if seen.unread > 1 then
      node.host.log("warning", ("cannot list %d more below %s"):format(seen.unread - 1, folder(node)))
    end
  end)
end

return listing
