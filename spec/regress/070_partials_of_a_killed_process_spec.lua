-- All blocks of what was being received when the process was killed were taken for the days that it may be resumed, even if no byte
-- of it had come.

local lfs = require "lfs"
local partials = require "spec.support.partials"
local process = require "spec.support.process"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SIZE = 8 << 20

---Begins to receive; with a size, has a chunk and the hash list in it; is killed.
local DIE = [[
  local partials = require "spec.support.partials"
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local root, record, sealed, size = arg[1], arg[2], arg[3], tonumber(arg[4])
  local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
  end
  local disk = assert(store.open(root, stores.me:raw_id(), "full"))
  local partial = assert(disk:incoming(stores.path "key", read(record)))
  if size then partials.fill(root .. "/../" .. partials.file(read(record)), read(sealed), size, 1) end
  os.execute "kill -9 $PPID"
]]

---The root of a node that was killed while it received.
local function killed(size)
  local folder = temp.folder()
  local other <close> = temp.folder()
  local record, sealed = partials.seal(other, stores.bytes(SIZE))
  local result = process.run {
    folder:write("die.lua", DIE), folder:file "root", folder:write("record", record), folder:write("sealed", sealed), tostring(size),
  }
  assert.equal(9, result.signal, result.err)
  return folder, record, folder:file(partials.file(record))
end

describe("a partial that a killed process left", function()
  it("is gone when nothing had come", function()
    local folder <close>, _, path = killed()
    assert.is_true(lfs.attributes(path, "blocks") * 512 >= SIZE)
    stores.open(folder):close()
    assert.same({}, stores.drafts(folder))
  end)

  it("takes no more than what had come, and is as old as that", function()
    local folder <close>, record, path = killed(SIZE)
    assert.is_true(lfs.attributes(path, "blocks") * 512 >= SIZE)
    assert(os.execute("sync " .. temp.quote(path))) -- until then a file system may count what is only to be written
    assert(lfs.touch(path, os.time() - 1000))
    local before = lfs.attributes(path, "modification")
    local disk <close> = stores.open(folder)
    assert.is_true(lfs.attributes(path, "blocks") * 512 < 2 << 20)
    assert.equal(before, lfs.attributes(path, "modification"))
    local partial <close> = assert(disk:incoming(stores.path "key", record))
    assert.is_true(partial:has_hashes())
    assert.equal(1, partial:missing(0))
  end)
end)
