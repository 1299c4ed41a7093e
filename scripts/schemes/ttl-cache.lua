-- A cache with a time to live: a node with the tag "cache" keeps nothing for others. What it reads stays there for an hour: then it is
-- asked for anew when somebody reads it, and else it goes. All others keep three copies of everything.
--
--   filo sim scripts/schemes/ttl-cache.lua --faults kill,partition,rot
--
-- In node.lua, with this file beside it:
--
--   local scheme = dofile(... .. "/ttl-cache.lua")
--   return { listen = ":7171", about = { tags = { "cache" } }, policy = scheme.policy, start = scheme.start }
--
-- Reading what anna stores, with a key that she has shared, by a script beside it that is run as `filo --attach ROOT read.lua KEY`:
--
--   print(assert(dofile("ttl-cache.lua").get(node:namespace "anna", (...))):read "a")

local filo = require "filo"

local TTL = 3600 -- seconds

local is_cache = false
local fresh = {} -- namespace and key -> when the copy here was the newest, for as long as it is here

local policy = filo.policy.without("cache", filo.policy.copies(3))

function policy.accept(offer) -- a deletion is taken in any case
  return not is_cache or offer.tombstone, "this node is a cache"
end

-- Lets go of what is old, of all namespaces that are read here. Where no peer has a good copy, it stays.
local function sweep(node)
  for _, space in ipairs(node:namespaces()) do
    for item in space:keys() do
      local at = fresh[space.id .. item.key]
      if item.here and not (at and filo.now() - at < TTL) and space:evict(item.key) then fresh[space.id .. item.key] = nil end
    end
  end
end

local function start(node)
  for _, tag in ipairs(node.about.tags or {}) do is_cache = is_cache or tag == "cache" end
  if is_cache then filo.every(TTL / 4, sweep, node) end
end

-- space: the node, for what it stores itself, or one of its namespaces.
local function get(space, key, options)
  local name, now = (space.namespace and space:namespace() or space).id .. key, filo.now()
  local is_due = not fresh[name] or now - fresh[name] >= TTL
  local object, err = space:get(key, { newest = is_due or options and options.newest })
  if object and is_due then fresh[name] = now end
  return object, err
end

return {
  policy = policy, start = start, get = get,
  about = function(i) return { name = "n" .. i, tags = i % 3 == 0 and { "cache" } or {} } end, -- for `filo sim`
}
