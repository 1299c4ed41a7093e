---Deletions that are packed: rows of a database, and no files any more.

local crypto = require "filo.core.crypto"
local lfs = require "lfs"
local packed = require "spec.support.packed"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other
local bury, pack, walk = packed.bury, packed.pack, packed.walk

---The file of a key, or nil.
local function file_of(folder, key) return lfs.attributes(folder:file(stores.file(key)), "mode") end

describe("a deletion that is packed", function()
  for _, durability in ipairs { "full", "group", "none" } do
    it("is what it was, but for its file, with durability " .. durability, function()
      local folder <close> = temp.folder()
      local records, before = {}
      do
        local disk <close> = stores.open(folder, { durability = durability })
        for _, key in ipairs { "a", "b", "c" } do records[key] = bury(disk, key) end
        stores.put(disk, "content", { key = "object" })
        before = walk(disk, me:raw_id())
        assert.equal(3, pack(disk, "a", "b", "c"))
        assert.same({ "object" }, (function()
          local left = {}
          for _, key in ipairs { "a", "b", "c", "object" } do left[#left + 1] = file_of(folder, key) and key or nil end
          return left
        end)())
        assert.same(before, walk(disk, me:raw_id()))
      end
      local disk <close> = stores.open(folder, { durability = durability })
      assert.same(before, walk(disk, me:raw_id()))
      assert.same(before, walk(disk))
      for key, record in pairs(records) do
        local fields, found = disk:stat(me:raw_id(), stores.path(key))
        assert.same({ true, 5, record }, { fields.tombstone, fields.version, found })
        assert.equal(record, (select(2, assert(disk:sealed(me:raw_id(), stores.path(key), 1000)))))
        local object <close> = assert(disk:object(me:raw_id(), stores.path(key)))
        assert.equal(record, object:record())
      end
    end)
  end

  it("keeps out what is no newer, and makes way for what is", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "key", 5)
    assert.equal(1, pack(disk, "key"))
    refused("exists", stores.try_put(disk, "old", { version = 4 }))
    refused("exists", disk:tombstone(me, stores.version(stores.key_hash "key", 4, "again"), stores.path "key"))
    refused("invalid", stores.try_put(disk, "content", { key = "another", path = stores.path "key", version = 9 }))
    assert.is_true(disk:stat(me:raw_id(), stores.path "key").tombstone)
    stores.put(disk, "new", { version = 6 })
    assert.equal("new", stores.get(disk, "key"))
    assert.equal(1, #walk(disk))
  end)

  it("does not come back with the removal of what took its place", function()
    for _, keep in ipairs { false, true } do
      local folder <close> = temp.folder()
      local disk <close> = stores.open(folder)
      bury(disk, "key", 5)
      pack(disk, "key")
      stores.put(disk, "new", { version = 6 })
      assert(disk:remove(me:raw_id(), stores.path "key", 6, keep))
      refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
      assert.same({}, walk(disk))
      stores.put(disk, "old", { version = 3 })
    end
  end)

  it("is removed, in the version that is meant, and set aside", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "key", 5)
    bury(disk, "bad", 5)
    pack(disk, "key", "bad")
    refused("exists", disk:remove(me:raw_id(), stores.path "key", 4))
    refused("not_found", disk:remove(me:raw_id(), stores.path "key", 6))
    assert(disk:remove(me:raw_id(), stores.path "key", 5))
    refused("not_found", disk:remove(me:raw_id(), stores.path "key"))
    assert(disk:set_aside(me:raw_id(), stores.path "bad"))
    refused("not_found", disk:set_aside(me:raw_id(), stores.path "bad"))
    assert.same({}, walk(disk))
  end)

  it("is packed again when a later one took its place, and both may be there", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local first = bury(disk, "key", 5)
    local bytes = folder:read(stores.file "key")
    assert.equal(1, pack(disk, "key"))
    stores.plant(folder, stores.file "key", bytes) -- as when the process was killed before the file was gone
    assert.equal(1, #walk(disk))
    assert.equal(1, pack(disk, "key"))
    assert.is_nil(file_of(folder, "key"))
    local later = bury(disk, "key", 8)
    assert.equal(later, (select(2, disk:stat(me:raw_id(), stores.path "key"))))
    assert.equal(1, pack(disk, "key"))
    assert.not_equal(first, later)
    assert.equal(later, (select(2, disk:stat(me:raw_id(), stores.path "key"))))
  end)

  it("goes along when objects are moved to other paths, unless that is broken off", function()
    local folder <close> = temp.folder()
    local record
    do
      local disk <close> = stores.open(folder, { durability = "full" })
      record = bury(disk, "key")
      pack(disk, "key")
      assert(disk:move(me:raw_id(), stores.path "key", "elsewhere/key"))
      assert.equal(record, (select(2, disk:stat(me:raw_id(), "elsewhere/key"))))
    end
    do
      local disk <close> = stores.open(folder, { durability = "full" })
      refused("not_found", disk:stat(me:raw_id(), "elsewhere/key"))
      assert(disk:move(me:raw_id(), stores.path "key", "elsewhere/key"))
      assert(disk:set_layout "another")
    end
    local disk <close> = stores.open(folder)
    assert.equal(record, (select(2, disk:stat(me:raw_id(), "elsewhere/key"))))
    refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
  end)

  it("keeps when it was verified, and who brought it", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local record = bury(disk, "key")
    assert(disk:remove(me:raw_id(), stores.path "key"))
    local bringer = crypto.digest("sha256", "a node")
    assert(disk:keep(stores.path "key", record, "", nil, nil, bringer))
    local before = walk(disk)
    if before[1].bringer then assert.equal(bringer, before[1].bringer) end -- where files have attributes
    pack(disk, "key")
    assert.same(before, walk(disk))
  end)
end)

describe("packing", function()
  it("passes over what is no deletion of that namespace", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content", { key = "object" })
    bury(disk, "theirs", 5, nil, other)
    stores.plant(folder, stores.file "noise", ("noise"):rep(100))
    assert(lfs.mkdir(folder:file(stores.file "noise") .. ".d"))
    assert.equal(0, pack(disk, "object", "theirs", "noise", "nothing"))
    assert.equal(0, pack(disk))
    assert.equal("content", stores.get(disk, "object"))
    assert.equal("file", file_of(folder, "noise"))
    refused("not_found", disk:stat(me:raw_id(), stores.path "nothing"))
    assert.is_true(disk:stat(other:raw_id(), stores.path "theirs").tombstone)
  end)

  it("takes a tenth of the room that files take", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local keys = {}
    for i = 1, 2000 do
      keys[i] = "key " .. i
      bury(disk, keys[i])
    end
    assert.equal(2000, pack(disk, table.unpack(keys)))
    assert.is_true(lfs.attributes(folder:file "root/deletions", "size") < 2000 * 600)
    assert.equal(2000, #walk(disk))
  end)

  it("goes on beside what is published and read", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, { durability = "group" })
    local keys, tasks = {}, {}
    for i = 1, 40 do keys[i] = "key " .. i end
    for i, key in ipairs(keys) do
      tasks[#tasks + 1] = runtime.spawn(function()
        for version = 1, 9, 2 do
          bury(disk, key, version)
          stores.put(disk, "content of " .. key, { key = key, version = version + 1 })
          local fields = assert(disk:stat(me:raw_id(), stores.path(key)))
          assert.same({ false, version + 1 }, { fields.tombstone, fields.version })
        end
        if i % 2 == 0 then bury(disk, key, 11) end
      end)
    end
    local packing = runtime.spawn(function()
      for _ = 1, 20 do pack(disk, table.unpack(keys)) end
    end)
    tasks[#tasks + 1] = packing
    for _, task in ipairs(tasks) do assert.is_nil((select(2, task:join()))) end
    pack(disk, table.unpack(keys))
    for i, key in ipairs(keys) do
      local fields = assert(disk:stat(me:raw_id(), stores.path(key)))
      assert.same({ i % 2 == 0, i % 2 == 0 and 11 or 10 }, { fields.tombstone, fields.version })
      assert.equal(i % 2 == 0, file_of(folder, key) == nil)
    end
    assert.equal(40, #walk(disk))
  end)

  it("is not for who only reads, who sees what is packed", function()
    local folder <close> = temp.folder()
    local record
    do
      local disk <close> = stores.open(folder)
      record = bury(disk, "key")
      pack(disk, "key")
    end
    local reader <close> = assert(store.open(stores.root(folder), me:raw_id(), "none", 0, true))
    assert.equal(record, (select(2, reader:stat(me:raw_id(), stores.path "key"))))
    refused("denied", reader:pack(me:raw_id(), { stores.path "key" }))
    refused("denied", reader:remove(me:raw_id(), stores.path "key"))
  end)
end)

describe("the database of deletions", function()
  ---A root with 60 packed deletions; gives the bytes of its database, and the records.
  local function make(folder)
    local disk <close> = stores.open(folder)
    local keys, records = {}, {}
    for i = 1, 60 do
      keys[i] = "key " .. i
      records[keys[i]] = bury(disk, keys[i])
    end
    assert.equal(60, pack(disk, table.unpack(keys)))
    stores.put(disk, "content", { key = "object" })
    return folder:read "root/deletions", records
  end

  it("of which a byte flips in any page tells nothing that is wrong, and stops nothing", function()
    local folder <close> = temp.folder()
    local bytes, records = make(folder)
    local lost = 0
    for at = 1010, #bytes, 1020 do
      folder:write("root/deletions", bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 0x55) .. bytes:sub(at + 1))
      local disk <close> = stores.open(folder)
      for key, record in pairs(records) do
        local fields, found = disk:stat(me:raw_id(), stores.path(key))
        if fields then assert.equal(record, found) else lost = lost + 1 end
      end
      walk(disk)
      assert.equal("content", stores.get(disk, "object"))
      stores.put(disk, "new", { key = "new " .. at })
      bury(disk, "later " .. at)
      disk:pack(me:raw_id(), {}) -- tells once that it is put by
      assert.equal(1, pack(disk, "later " .. at))
      assert.is_true(disk:stat(me:raw_id(), stores.path("later " .. at)).tombstone)
    end
    assert.is_true(lost > 0)
  end)

  it("that is no database is put by", function()
    local folder <close> = temp.folder()
    make(folder)
    folder:write("root/deletions", ("noise"):rep(5000))
    local disk <close> = stores.open(folder)
    refused("not_found", disk:stat(me:raw_id(), stores.path "key 1"))
    assert.equal(("noise"):rep(5000), folder:read "root/deletions.bad")
    bury(disk, "key")
    local said = refused("corrupt", disk:pack(me:raw_id(), { stores.path "key" }))
    assert.matches("/root/deletions was damaged, and is put by as deletions.bad: what was deleted is had from other nodes", said)
    assert.equal(1, pack(disk, "key"))
  end)
end)
