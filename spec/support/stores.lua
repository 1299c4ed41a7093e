---Stores for tests: an owner, and what is stored and read in a line.
---
---    local folder <close> = temp.folder()
---    local store <close> = stores.open(folder)
---    local record = stores.put(store, "content", { key = "name" })

local crypto = require "filo.core.crypto"
local lfs = require "lfs"
local store = require "filo.core.store"

local stores = {}

---The keys to a namespace, which stand for the owner of the stores here, too; and somebody else's.
stores.me = assert(crypto.identity_from_seed(("k"):rep(32)):namespace())
stores.other = assert(crypto.identity_from_seed(("o"):rep(32)):namespace())

---The root of a temporary folder.
function stores.root(folder) return folder:file "root" end

---@param options? table durability ("none"), reserve, owner
function stores.open(folder, options)
  options = options or {}
  local owner = options.owner or stores.me
  return assert(store.open(stores.root(folder), owner:raw_id(), options.durability or "none", options.reserve))
end

function stores.key_hash(key) return crypto.digest("sha256", key) end

function stores.path(key) return assert(store.cas_path("sha1", 2, 1, stores.key_hash(key))) end

---What is said of a version when it is published.
function stores.version(key_hash, version, meta)
  return { key_hash = key_hash, version = version, generation = 0, class = 0, meta = meta }
end

---Finishes and publishes a deposit.
---@param what? table key ("key"), version (1), meta, path, keys, class, generation
---@return string? record
---@return filo.Error? err
function stores.publish(deposit, what)
  what = what or {}
  local key = what.key or "key"
  local size, err = deposit:finish()
  if not size then return nil, err end
  local version = stores.version(stores.key_hash(key), what.version or 1, what.meta or "")
  version.class, version.generation = what.class or 0, what.generation or 0
  return deposit:publish(what.keys or stores.me, version, what.path or stores.path(key))
end

---Stores a string; also plain and known (the size is told).
---@return string? record
---@return filo.Error? err
function stores.try_put(disk, content, what)
  what = what or {}
  local deposit <close>, err = disk:deposit(what.known and #content or nil, what.plain or false, false)
  if not deposit then return nil, err end
  local ok
  ok, err = deposit:write(content)
  if not ok then return nil, err end
  return stores.publish(deposit, what)
end

function stores.put(disk, content, what) return assert(stores.try_put(disk, content, what)) end

---@return filo.core.Object object with its key set
function stores.object(disk, key, keys)
  keys = keys or stores.me
  local object = assert(disk:object(keys:raw_id(), stores.path(key)))
  object:set_key((assert(store.unseal(keys, object:record()))))
  return object
end

---All that a reader gives.
---@return string? content
---@return filo.Error? err
function stores.drain(reader, max)
  local pieces = {}
  while true do
    local piece, err = reader:read(max or 1 << 20)
    if err then return nil, err end
    if not piece then return table.concat(pieces) end
    pieces[#pieces + 1] = piece
  end
end

---The content of an object, or a part.
---@return string? content
---@return filo.Error? err
function stores.read(object, offset, stop)
  local reader <close> = assert(object:reader(offset, stop))
  return stores.drain(reader)
end

---The content of what is stored under a key.
---@return string? content
---@return filo.Error? err
function stores.get(disk, key, offset, stop)
  local object <close> = stores.object(disk, key)
  return stores.read(object, offset, stop)
end

---The names in a folder, sorted.
function stores.list(path)
  local names = {}
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

---What is being written or received at the moment.
function stores.drafts(folder) return stores.list(stores.root(folder) .. "/tmp") end

---The file of an object, within the temporary folder.
function stores.file(key, keys)
  return ("root/objects/%s/%s"):format((keys or stores.me):id(), stores.path(key))
end

---Makes the folders of a file and writes it.
function stores.plant(folder, name, bytes)
  for at in name:gmatch "()/" do lfs.mkdir(folder:file(name:sub(1, at - 1))) end
  return folder:write(name, bytes)
end

---Bytes that differ from one to the next and from one place to another.
function stores.bytes(size, seed)
  local key = crypto.digest("sha256", "bytes " .. (seed or ""))
  local ctr <close> = assert(crypto.ctr(key, ("\0"):rep(16)))
  return assert(ctr:crypt(("\0"):rep(size)))
end

return stores
