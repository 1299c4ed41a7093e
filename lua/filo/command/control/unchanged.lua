---What `filo put` need not store, since it is stored already: then the copies are made that the policy wants.

local inside = require "filo.base.inside"

---Whether the file has the content of the object that is here, which is looked at chunk by chunk.
local function has_content(node, item, file)
  local parts = inside.of(node)
  local name = parts.names:of(item.key)
  local object <close> = name and parts.disk:object(parts.namespace, name.path)
  if not object or not parts.names:unlock(object, name) or object:fields().version ~= item.version then return false end
  for chunk = 0, (item.size - 1) // parts.host.store.chunk_size do
    if not object:compare_chunk(chunk, file) then return false end
  end
  return true
end

---Whether an object is what the file holds by now: that looks as it did when it began to be read, and has not changed until it was read.
---Where all but the inode and the time of its change are the same, as in a tree that was stored from another machine, or was copied, its
---content tells. What has no file has all in its fields, but for its size.
local function is_same(node, item, asked, file)
  local encrypted = asked.encrypt
  if encrypted == nil then encrypted = inside.of(node).options.encrypt end
  local host = inside.of(node).host
  if item.encrypted ~= encrypted then return false end
  if host.encode(item.fields) ~= host.encode(asked.fields) then return false end
  if not file then return item.size == 0 end
  local seen = host.store.seen(file)
  if not seen then return false end
  if item.stamp == seen.stamp then return true end
  return seen.size == item.size and has_content(node, item, file) and (host.store.seen(file) or {}).stamp == seen.stamp
end

---Whether the same path was stored later as something else: a folder has a key that ends with "/", and others have one that does not.
local function is_superseded(node, item)
  local names = inside.of(node).names
  local name = names:of(item.key:match "^(.*[^/])/+$" or item.key .. "/")
  local other = name and names:stat(name) -- a function `path` of the node's may have none for it
  return other and not other.tombstone and other.version > item.version
end

---Whether some node has something newer than what is here: then this root is behind.
local function is_old(item, copies)
  for _, copy in ipairs(copies) do
    if copy.version and copy.version > item.version then return true end
  end
  return false
end

---What is stored here under a key. Peers need not be asked for it.
local function stat_here(node, key)
  local parts = inside.of(node)
  local name = parts.names:of(key)
  return name and parts.getting:stat_here(name)
end

---As `store` gives it: a receipt, nothing where it is to be stored, or nil and an error.
---@param node filo.Node|filo.Namespace
---@param asked table  as the method `store` is asked
---@param file? filo.core.Descriptor
---@return filo.Receipt?, filo.Error?
return function(node, asked, file)
  local item = not asked.force and stat_here(node, asked.key)
  if not item or not is_same(node, item, asked, file) or is_superseded(node, item) then return nil end
  local same_class = asked.class == nil or asked.class == item.class
  if asked.dry then return same_class and { key = asked.key, unchanged = true } or nil end
  if not same_class then return node:amend(asked.key, { class = asked.class }) end
  local plan, copies = node:placement(asked.key)
  if not plan or not plan.enough or is_old(item, copies) then return node:replicate(asked.key) end
  return { key = asked.key, version = item.version, size = item.size, copies = plan.copies, unchanged = true }
end
