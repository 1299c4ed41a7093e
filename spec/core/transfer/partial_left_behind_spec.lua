---Partials that an earlier process left, and what may be wrong with them.

local deaf = require "spec.support.deaf"
local lfs = require "lfs"
local partials = require "spec.support.partials"
local process = require "spec.support.process"
local small_disk = require "spec.support.disk"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SIZE = (4 << 20) + 5

-- A partial without its hash list, which a kill leaves, was emptied after its blocks had been taken: what was then received had no
-- room of its own, and could find the disk full.

local function blocks(path) return lfs.attributes(path, "blocks") end

---What an object of another store takes when its first chunk has come.
local function taken(there, record, left)
  local folder <close> = temp.folder()
  local disk <close> = stores.open(folder)
  local path = folder:file(partials.file(record))
  if left then folder:write(partials.file(record), left) end
  local partial <close> = assert(disk:partial(stores.path "key", record))
  assert.equal(0, partial:missing(0))
  local object <close> = assert(there:object(stores.me:raw_id(), stores.path "key"))
  assert(partials.move(object, partial, true, 0, 1))
  return blocks(path)
end

describe("a partial that is found without its hash list", function()
  it("has as much room as a new one", function()
    local folder <close> = temp.folder()
    local record = partials.seal(folder, stores.bytes(SIZE))
    local there <close> = stores.open(folder)
    local fresh = taken(there, record)
    assert.is_true(fresh * 512 >= SIZE)
    assert.equal(fresh, taken(there, record, ""))
    assert.equal(fresh, taken(there, record, "no chunk"))
  end)
end)

-- Whoever offered a copy had all its blocks taken at once, and could offer the next when they were given back, without having sent a byte.

describe("a partial of which no chunk has come", function()
  it("has its room promised, and has taken none", function()
    local folder <close> = temp.folder()
    local disk <close> = small_disk.mount(32 << 20) or pending(small_disk.WHY_NOT) -- others take and free room on a shared one
    local record = partials.seal(folder, stores.bytes(SIZE))
    local here <close> = stores.open(disk, { reserve = 0 })
    local before = here:space()
    local partial = assert(here:partial(stores.path "key", record))
    assert.equal(0, blocks(disk:file(partials.file(record))))
    assert.is_true(here:space() <= before - SIZE)
    partial:close()
    assert.equal(before, here:space())
  end)
end)

-- All blocks of what was being received when the process was killed were taken for the days that it may be resumed, even if no byte
-- of it had come.

---Begins to receive; with a size, goes on where a chunk and the hash list had come; is killed.
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
  if size then partials.fill(root .. "/../" .. partials.file(read(record)), read(sealed), size, 1) end
  local partial = assert(disk:partial(stores.path "key", read(record)))
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
    assert.equal(0, blocks(path))
    stores.open(folder):close()
    assert.same({}, stores.drafts(folder))
  end)

  it("takes no more than what had come, and is as old as that", function()
    local folder <close>, record, path = killed(SIZE)
    assert.is_true(blocks(path) * 512 >= SIZE)
    assert(os.execute("sync " .. temp.quote(path))) -- until then a file system may count what is only to be written
    assert(lfs.touch(path, os.time() - 1000))
    local before = lfs.attributes(path, "modification")
    local disk <close> = stores.open(folder)
    assert.is_true(blocks(path) * 512 < 2 << 20)
    assert.equal(before, lfs.attributes(path, "modification"))
    local partial <close> = assert(disk:partial(stores.path "key", record))
    assert.is_true(partial:has_hashes())
    assert.equal(1, partial:missing(0))
  end)
end)

---Opens a partial, with a reserve that may be given; prints its first missing chunk, or why it cannot.
local OPEN = [[
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local disk <close> = assert(store.open(arg[1], stores.me:raw_id(), "none", math.tointeger(arg[3])))
  local file <close> = assert(io.open(arg[2], "rb"))
  local partial <close>, err = disk:partial(stores.path "key", file:read "a")
  print(err and err.code .. ": " .. tostring(err) or partial:missing(0))
]]

-- A partial with good chunks was deleted when its blocks could not be taken.

describe("a partial that cannot be opened", function()
  it("is kept with what had come", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record, sealed = partials.seal(other, stores.bytes(SIZE))
    stores.open(folder):close()
    partials.fill(folder:file(partials.file(record)), sealed, SIZE, 3)
    local function open(flushes, reserve)
      return deaf.run(folder, flushes, OPEN, folder:file "root", folder:write("record", record), tostring(reserve))
    end
    assert.matches("^io: ", open("fallocate", 0))
    assert.matches("^no_space: ", open("", 1 << 60))
    assert.equal("3\n", open("", 0))
  end)

  it("is not made when there was none", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record = partials.seal(other, stores.bytes(SIZE))
    local disk <close> = stores.open(folder, { reserve = 1 << 60 })
    assert.equal("no_space", select(2, disk:partial(stores.path "key", record)).code)
    assert.same({}, stores.drafts(folder))
  end)
end)

-- A partial whose hash list could not be read for a moment was emptied, and all that had come of it fetched again.

describe("a partial that cannot be read for a moment", function()
  it("stays as it is, and is resumed afterwards", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record, sealed = partials.seal(other, stores.bytes(SIZE))
    local file = folder:write("record", record)
    stores.open(folder):close()
    local partial = folder:file(partials.file(record))
    partials.fill(partial, sealed, SIZE, 3)
    local function open(failing) return deaf.run(folder, failing, OPEN, folder:file "root", file, "0") end
    local before = blocks(partial)
    local said = open("pread64@" .. SIZE)
    assert.matches("^io: cannot read .*/tmp/%x+%.part: Input/output error; it is kept: remove it if that lasts\n$", said)
    assert.equal(before, blocks(partial))
    assert.equal("3\n", open "")
  end)

  it("lacks the chunks that cannot be read, and no others", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record, sealed = partials.seal(other, stores.bytes(SIZE))
    local file = folder:write("record", record)
    stores.open(folder):close()
    partials.fill(folder:file(partials.file(record)), sealed, SIZE, 3)
    local failing = "pread64@" .. partials.CHUNK
    assert.equal("1\n", deaf.run(folder, failing, OPEN, folder:file "root", file, "0"))
  end)
end)
