---Partials as an earlier process may have left them, planted in a root; and what fills one.

local crypto = require "filo.core.crypto"
local net = require "filo.core.net"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"

local partials = { CHUNK = 1 << 20 }

local function hex(bytes) return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

---The file of the partial of a record, within the temporary folder.
function partials.file(record)
  local fields = assert(store.parse(record))
  local object, digest = crypto.digest("sha256", fields.namespace .. fields.key_hash), crypto.digest("sha256", record)
  return ("root/tmp/%s%016x%s.part"):format(hex(object):sub(1, 32), fields.version, hex(digest):sub(1, 16))
end

---Seals content in a store of its own; gives its record and the bytes of its file.
---@param folder table of that store
---@param what? table  version (1), key ("key")
function partials.seal(folder, content, what)
  what = what or {}
  local disk <close> = stores.open(folder)
  local record = stores.put(disk, content, { known = true, version = what.version, key = what.key })
  return record, folder:read(stores.file(what.key or "key"))
end

---Writes, into a partial (made when it is not there), the first chunks of a sealed file and the list of its hashes.
function partials.fill(path, sealed, size, chunks)
  local file <close> = assert(io.open(path, "r+b") or io.open(path, "w+b"))
  assert(file:write(sealed:sub(1, chunks * partials.CHUNK)))
  assert(file:seek("set", size))
  local count = (size + partials.CHUNK - 1) // partials.CHUNK
  assert(file:write(sealed:sub(size + 1, size + 32 * count)))
end

---Both ends of a connection, let in.
local function connect()
  local listener <close> = assert(net.listen "127.0.0.1:0")
  local task = runtime.spawn(function() return assert(listener:accept { id = stores.other:raw_id() }):ready() end)
  local near = assert(net.dial(listener:address(), { id = stores.me:raw_id() }))
  local far = assert(task:join())
  near:admit()
  far:admit()
  return near, far
end

---Sends some chunks of an object into a partial.
function partials.move(object, partial, hashes, first, count)
  local ends = table.pack(connect())
  local near <close> = ends[1]
  local far <close> = ends[2]
  local sending <close> = assert(near:send_object(object, hashes, first, count))
  local receiving <close> = assert(far:receive_object(sending:number(), partial, hashes, first, count))
  return receiving:join()
end

return partials
