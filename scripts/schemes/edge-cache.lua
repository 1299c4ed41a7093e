-- A read-through edge cache: a node with the tag "edge" keeps nothing for others. What it reads it keeps, up to a thousandth of its disk,
-- and lets go of what was read longest ago. All others keep three copies of everything. scripts/edge-cache.lua serves one over HTTP.
--
--   filo sim scripts/schemes/edge-cache.lua --faults kill,wipe,full
--
-- In node.lua, with this file beside it:
--
--   local scheme = dofile(... .. "/edge-cache.lua")
--   return { listen = ":7171", about = { tags = { "edge" } }, policy = scheme.policy, start = scheme.start }
--
-- Reading what anna stores, with a key that she has shared, by a script beside it that is run as `filo --attach ROOT read.lua KEY`:
--
--   print(assert(dofile("edge-cache.lua").get(node:namespace "anna", (...))):read "a")

local filo = require "filo"

local PART = 1000 -- of the disk

local is_edge = false

local policy = filo.policy.without("edge", filo.policy.copies(3))

function policy.accept(offer) -- a deletion is taken in any case
  return not is_edge or offer.tombstone, "this node is a cache"
end

-- What is here of a namespace, what was read longest ago first; and how many bytes that is.
local function cached(space, used)
  local items, bytes = {}, 0
  for item in space:keys() do
    if item.here then items[#items + 1], bytes = item, bytes + item.size end
  end
  table.sort(items, function(a, b)
    local a_used, b_used = used[a.key] or 0, used[b.key] or 0
    if a_used ~= b_used then return a_used < b_used end
    return a.key < b.key
  end)
  return items, bytes
end

local used = {} -- ID of a namespace -> key -> when it was read last

-- Where no peer has a good copy, what is here stays.
local function make_room(space, room)
  local mine = used[space.id] or {}
  local items, bytes = cached(space, mine)
  for _, item in ipairs(items) do
    if bytes <= room then return end
    if space:evict(item.key) then bytes, mine[item.key] = bytes - item.size, nil end
  end
end

local function start(node)
  for _, tag in ipairs(node.about.tags or {}) do is_edge = is_edge or tag == "edge" end
  if not is_edge then return end
  filo.every(60, function()
    local space = node:space()
    for _, each in ipairs(space and node:namespaces() or {}) do make_room(each, space.total // PART) end
  end)
end

-- space: the node, for what it stores itself, or one of its namespaces.
local function get(space, key, options)
  local id = (space.namespace and space:namespace() or space).id
  local object, err = space:get(key, options)
  used[id] = used[id] or {}
  used[id][key] = object and filo.now() or nil
  return object, err
end

return {
  policy = policy, start = start, get = get,
  about = function(i) return { name = "n" .. i, tags = i % 3 == 0 and { "edge" } or {} } end, -- for `filo sim`
}
