---Packed deletions and what else lies, comes and goes at their paths.

local lfs = require "lfs"
local packed = require "spec.support.packed"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me
local bury, pack, stat, walk = packed.bury, packed.pack, packed.stat, packed.walk

describe("a packed deletion", function()
  it("does not come back when what took its place is set aside", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "key", 5)
    pack(disk, "key")
    stores.put(disk, "new", { version = 6 })
    assert(disk:set_aside(me:raw_id(), stores.path "key"))
    refused("not_found", stat(disk, "key"))
  end)

  it("is not moved under an older object, which would count", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "key", 8)
    pack(disk, "key")
    stores.put(disk, "old", { version = 6, path = "there/key" })
    refused("exists", disk:move(me:raw_id(), stores.path "key", "there/key"))
  end)

  it("has no object moved onto it", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "key", 8)
    pack(disk, "key")
    stores.put(disk, "old", { version = 6, path = "there/key" })
    refused("exists", disk:move(me:raw_id(), "there/key", stores.path "key"))
  end)

  it("is not moved onto another", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "a", 5)
    bury(disk, "b", 5)
    pack(disk, "a", "b")
    refused("exists", disk:move(me:raw_id(), stores.path "a", stores.path "b"))
  end)

  it("stays when others are to be packed between moves", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for _, key in ipairs { "a", "b", "c" } do bury(disk, key) end
    pack(disk, "a", "b")
    assert(disk:move(me:raw_id(), stores.path "a", "there/a"))
    refused("busy", disk:pack(me:raw_id(), { stores.path "c" }))
    assert.is_truthy(stat(disk, "b"))
  end)

  it("keeps out others without a trace of them", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "key", 5)
    pack(disk, "key")
    refused("exists", stores.try_put(disk, "old", { version = 4 }))
    refused("exists", disk:tombstone(me, stores.version(stores.key_hash "key", 4, "again"), stores.path "key"))
    assert.same({}, stores.list(stores.root(folder) .. "/objects"))
  end)

  it("is not hidden by what lies below it", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "a", 5, "a")
    assert(disk:pack(me:raw_id(), { "a" }))
    local ok = stores.try_put(disk, "content", { key = "b", path = "a/b" })
    assert(not ok or disk:stat(me:raw_id(), "a"), "the deletion of a is gone")
  end)

  it("is listed although an object lies where its folder was", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "b", 5, "a/b")
    assert(disk:pack(me:raw_id(), { "a/b" }))
    local ok = stores.try_put(disk, "content", { key = "a", path = "a" })
    assert.equal(ok and 2 or 1, #walk(disk))
  end)

  it("may be long", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local record = assert(disk:tombstone(me, stores.version(stores.key_hash "key", 5, ("m"):rep(60000)), stores.path "key"))
    pack(disk, "key")
    assert.equal(record, (select(2, stat(disk, "key"))))
    assert.equal(1, #walk(disk))
  end)

  it("is seen by who has read beside the owner since before", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "key")
    local reader <close> = assert(store.open(stores.root(folder), me:raw_id(), "none", 0, true))
    assert.is_true(stat(reader, "key").tombstone)
    pack(disk, "key")
    assert.is_true((assert(stat(reader, "key"))).tombstone)
  end)
end)

describe("while deletions are packed", function()
  it("one that is removed is gone", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local keys = { "key" }
    for i = 1, 1000 do
      keys[#keys + 1] = "key " .. i
      bury(disk, keys[#keys])
    end
    bury(disk, "key")
    local packing = runtime.spawn(function() pack(disk, table.unpack(keys)) end)
    runtime.sleep(0.03)
    assert(disk:remove(me:raw_id(), stores.path "key"))
    packing:join()
    refused("not_found", stat(disk, "key"))
  end)

  it("one that is removed is gone, however close that is", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    bury(disk, "first")
    pack(disk, "first")
    local back = 0
    for i = 1, 500 do
      bury(disk, "key")
      local packing = runtime.spawn(function() pack(disk, "key", "key") end)
      if i % 2 == 0 then runtime.sleep(0.00005 * (i % 7)) end
      assert(disk:remove(me:raw_id(), stores.path "key"))
      packing:join()
      if stat(disk, "key") then
        back = back + 1
        assert(disk:remove(me:raw_id(), stores.path "key"))
      end
    end
    assert.equal(0, back)
  end)

  it("what is published in the place of one stays, whatever the number of its file", function()
    local lost = 0
    for _ = 1, 5 do
      local folder <close> = temp.folder()
      local disk <close> = stores.open(folder)
      local keys = { "key" }
      bury(disk, "key", 1)
      for i = 1, 1000 do
        keys[#keys + 1] = "key " .. i
        bury(disk, keys[#keys])
      end
      local is_over = false
      local packing = runtime.spawn(function()
        pack(disk, table.unpack(keys))
        is_over = true
      end)
      runtime.sleep(0.02)
      local version = 1
      local file = folder:file(stores.file "key")
      local first = lfs.attributes(file, "ino")
      repeat
        version = version + 1
        stores.put(disk, "content", { key = "key", version = version })
      until is_over or lfs.attributes(file, "ino") == first
      packing:join()
      local fields = stat(disk, "key")
      if not fields or fields.version ~= version then
        lost = lost + 1
      end
    end
    assert.equal(0, lost)
  end)
end)
