---Listing what a node stores of its own.

local names = require "filo.node.names"

local listing = {}

---What cannot be read is passed over: it hides nothing else. (A file that is no object is told when it is asked for.)
local function warn(node, entry)
  node.host.log("warning", ("cannot list %s/objects/%s/%s: %s"):format(node.root, node.id, entry.path, entry.problem))
end

local function describe(node, entry, prefix)
  if entry.problem and entry.problem ~= "corrupt" then warn(node, entry) end
  if entry.problem or entry.tombstone then return nil end
  local content_key, meta = names.unseal(node, entry.record)
  if not content_key or type(meta.name) ~= "string" or meta.name:sub(1, #prefix) ~= prefix then return nil end
  return names.describe(entry, meta, "here")
end

---As Node:list.
function listing.items(node, prefix)
  local walk, err = node.disk:walk(node.namespace)
  if not walk then
    node.host.log("warning", tostring(err))
    return function() end
  end
  node.handed_out[walk] = true
  local batch, at = {}, 0
  local function next_item()
    while true do
      at = at + 1
      if not batch[at] then
        batch, at = walk:next(), 1
        if not batch[1] then return nil end
      end
      local item = describe(node, batch[at], prefix)
      if item then return item end
    end
  end
  return next_item, nil, nil, walk
end

return listing
