---What is kept of copies that did not become whole, and when it goes.

local lfs = require "lfs"
local partials = require "spec.support.partials"
local small_disk = require "spec.support.disk"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local MIB = 1 << 20
local WEEK = 7 * 24 * 3600

---A copy, of which some chunks have come: its record.
local function leave(folder, what)
  local other <close> = temp.folder()
  local size = what.size or 2 * MIB + 5
  local record, sealed = partials.seal(other, stores.bytes(size), what)
  local path = folder:file(partials.file(record))
  partials.fill(path, sealed, size, what.chunks or 1)
  if what.age then assert(lfs.touch(path, os.time() - what.age)) end
  return record
end

---Takes part in a copy that is kept, and leaves it again as it was.
local function resume(disk, record, key)
  local partial <close> = assert(disk:partial(stores.path(key or "key"), record))
  return partial:missing(0)
end

---Of some records, the partials that are there.
local function kept(folder, records)
  local list = {}
  for name, record in pairs(records) do
    if lfs.attributes(folder:file(partials.file(record))) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

-- Parts of versions that nobody could want any more stayed for 7 days: 1.2 GB of them beside 27 MB of data.

describe("what is kept of a copy", function()
  ---Has parts of versions 2, 4 and 6 of an object, and of another one; then does something. What is left?
  local function after(publish)
    local folder <close> = temp.folder()
    stores.open(folder):close()
    local records = { other = leave(folder, { key = "other" }) }
    for _, version in ipairs { 2, 4, 6 } do records["version " .. version] = leave(folder, { version = version }) end
    local disk <close> = stores.open(folder)
    publish(disk, records)
    return kept(folder, records)
  end

  it("goes when a newer version is published", function()
    local left = after(function(disk) stores.put(disk, "content", { version = 5 }) end)
    assert.same({ "other", "version 6" }, left)
  end)

  it("goes when a tombstone is published", function()
    local left = after(function(disk)
      assert(disk:tombstone(stores.me, stores.version(stores.key_hash "key", 7, ""), stores.path "key"))
    end)
    assert.same({ "other" }, left)
  end)

  it("goes when that very version comes from elsewhere", function()
    assert.same({ "other", "version 4", "version 6" }, after(function(disk)
      local elsewhere <close> = temp.folder()
      local there <close> = stores.open(elsewhere)
      local record = stores.put(there, "small", { version = 2 })
      local _, _, body = there:sealed(stores.me:raw_id(), stores.path "key", 100)
      local whole <close> = assert(disk:partial(stores.path "key", record, body))
      assert(whole:publish())
    end))
  end)

  it("goes when it was being resumed meanwhile", function()
    assert.same({ "other", "version 6" }, after(function(disk, records)
      local partial <close> = assert(disk:partial(stores.path "key", records["version 4"]))
      assert.equal(1, partial:missing(0))
      stores.put(disk, "content", { version = 5 })
    end))
  end)

  it("stays when an older version is published", function()
    local left = after(function(disk) stores.put(disk, "content", { version = 1 }) end)
    assert.same({ "other", "version 2", "version 4", "version 6" }, left)
  end)

  it("goes when it is old, also while the store is open", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    local records = { old = leave(folder, { key = "old" }), young = leave(folder, { key = "young" }) }
    local disk <close> = stores.open(folder)
    assert(lfs.touch(folder:file(partials.file(records.old)), os.time() - WEEK - 10))
    assert(lfs.touch(folder:file(partials.file(records.young)), os.time() - WEEK + 1000))
    assert.is_true(disk:sweep())
    assert.same({ "young" }, kept(folder, records))
  end)

  it("stays while it is in use, however old", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    local records = { old = leave(folder, {}) }
    local disk <close> = stores.open(folder)
    local partial <close> = assert(disk:partial(stores.path "key", records.old))
    assert(lfs.touch(folder:file(partials.file(records.old)), os.time() - WEEK - 10))
    assert.is_true(disk:sweep())
    assert.same({ "old" }, kept(folder, records))
    assert.equal(1, partial:missing(0))
  end)

  it("takes an eighth of the free room at most, and the oldest goes first", function()
    local disk <close> = small_disk.mount(24 * MIB) or pending(small_disk.WHY_NOT)
    stores.open(disk, { reserve = 0 }):close()
    local records = {}
    for age = 1, 4 do records[age] = leave(disk, { key = "key " .. age, age = 100 * age }) end
    local store <close> = stores.open(disk, { reserve = 0 })
    assert.same({ 1, 2 }, kept(disk, records))
    assert.equal(1, resume(store, records[2], "key 2"))
  end)

  it("is never so large that the latest does not stay", function()
    local disk <close> = small_disk.mount(24 * MIB) or pending(small_disk.WHY_NOT)
    stores.open(disk, { reserve = 0 }):close()
    local records = { large = leave(disk, { key = "large", size = 9 * MIB, chunks = 8 }) }
    records.older = leave(disk, { key = "older", age = 100 })
    local store <close> = stores.open(disk, { reserve = 0 })
    assert.same({ "large" }, kept(disk, records))
    assert.equal(8, resume(store, records.large, "large"))
  end)

  it("are so many at most", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    for i = 1, 300 do
      local path = folder:write(("root/tmp/%064x.part"):format(i), "x")
      assert(lfs.touch(path, os.time() - 1000 + i))
    end
    stores.open(folder):close()
    local names = stores.drafts(folder)
    assert.equal(256, #names)
    assert.equal(("%064x.part"):format(45), names[1])
  end)

  it("gives way to what needs its room", function()
    local disk <close> = small_disk.mount(12 * MIB) or pending(small_disk.WHY_NOT)
    stores.open(disk, { reserve = 0 }):close()
    local records = { large = leave(disk, { key = "large", size = 9 * MIB, chunks = 8 }) }
    local store <close> = stores.open(disk, { reserve = 0 })
    assert.same({ "large" }, kept(disk, records))
    stores.put(store, ("x"):rep(6 * MIB), { key = "new", known = true })
    assert.same({}, kept(disk, records))
  end)
end)
