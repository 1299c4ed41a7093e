---The trash: copies that are out of their places, and not gone at once.

local lfs = require "lfs"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local small_disk = require "spec.support.disk"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me

local DAY = 86400

---What lies in the trash, the oldest version first.
local function list(disk)
  local all = {}
  for bucket = 0, 255 do
    for _, old in ipairs(assert(disk:old("trash", bucket))) do all[#all + 1] = old end
  end
  table.sort(all, function(a, b) return a.version < b.version end)
  return all
end

---Puts an object, and drops it again.
local function drop(disk, content, what)
  what = what or {}
  stores.put(disk, content, what)
  assert(disk:remove(me:raw_id(), stores.path(what.key or "key"), nil, true))
end

---A tombstone of a version.
local function bury(disk, version, key)
  return disk:tombstone(me, stores.version(stores.key_hash(key or "key"), version, ""), stores.path(key or "key"))
end

---Has what lies in the trash be there for so many seconds longer.
local function age(folder, disk, seconds)
  for _, old in ipairs(list(disk)) do
    local bucket = folder:file("root/trash/%02x"):format(old.key_hash:byte())
    for _, name in ipairs(stores.list(bucket)) do
      local before = ("-%010x-"):format(old.time)
      local first, last = name:find(before, 1, true)
      local later = first and ("-%010x-"):format(old.time - seconds)
      if later then assert(os.rename(bucket .. "/" .. name, bucket .. "/" .. name:sub(1, first - 1) .. later .. name:sub(last + 1))) end
    end
  end
end

describe("the trash", function()
  local folder, disk

  before_each(function()
    folder = temp.folder()
    disk = stores.open(folder)
  end)

  after_each(function()
    disk:close()
    folder:remove()
  end)

  local function open_again(options)
    disk:close()
    disk = stores.open(folder, options)
  end

  it("has what was dropped, byte for byte, for every durability", function()
    for _, durability in ipairs { "full", "group", "none" } do
      open_again { durability = durability }
      stores.put(disk, "content", { version = 7 })
      local bytes = folder:read(stores.file "key")
      assert(disk:remove(me:raw_id(), stores.path "key", 7, true))
      refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
      assert.same({}, stores.list(folder:file "root/objects"))
      local old = list(disk)
      assert.equal(1, #old)
      assert.same({ me:raw_id(), stores.key_hash "key", 7, 7, "dropped" },
        { old[1].namespace, old[1].key_hash, old[1].version, old[1].size, old[1].why })
      assert.is_true(math.abs(old[1].time - os.time()) < 60)
      local bucket = folder:file("root/trash/%02x"):format(old[1].key_hash:byte())
      assert.equal(bytes, folder:read(("root/trash/%02x/%s"):format(old[1].key_hash:byte(), stores.list(bucket)[1])))
      assert.same({ 1, 7 }, { disk:old_usage "trash" })
      assert.is_true(disk:restore(old[1], stores.path "key"))
      assert.equal(bytes, folder:read(stores.file "key"))
      assert.same({}, list(disk))
      assert.same({ 0, 0 }, { disk:old_usage "trash" })
      assert(disk:remove(me:raw_id(), stores.path "key"))
    end
  end)

  it("has a version once, however often it was dropped", function()
    drop(disk, "content")
    drop(disk, "content")
    age(folder, disk, 10)
    drop(disk, "content")
    assert(disk:sweep_old(DAY))
    assert.equal(1, #list(disk))
    assert.is_true(list(disk)[1].time > os.time() - 5)
    assert.same({ 1, 7 }, { disk:old_usage "trash" })
  end)

  it("takes nothing that is no object", function()
    stores.plant(folder, stores.file "key", "rot")
    assert(disk:remove(me:raw_id(), stores.path "key", nil, true))
    refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
    assert.same({}, list(disk))
  end)

  it("is counted by a sweep, also of what an earlier process has left", function()
    for i = 1, 5 do drop(disk, "content", { key = "k" .. i }) end
    open_again()
    assert.equal(5, #list(disk))
    assert(disk:sweep_old(DAY))
    assert.same({ 5, 35 }, { disk:old_usage "trash" })
    drop(disk, "more", { key = "k6" })
    assert.same({ 6, 39 }, { disk:old_usage "trash" })
  end)

  it("goes after its time, also what an earlier process has left", function()
    drop(disk, "old", { key = "a" })
    age(folder, disk, DAY + 1)
    drop(disk, "new", { key = "b" })
    open_again()
    assert(disk:sweep_old(DAY))
    local left = list(disk)
    assert.equal(1, #left)
    assert.equal(stores.key_hash "b", left[1].key_hash)
    assert(disk:sweep_old(0))
    assert.same({}, list(disk))
  end)

  -- A machine without a battery is in 1970 until it has asked somebody for the time.
  it("keeps what seems to be of the future", function()
    drop(disk, "content")
    age(folder, disk, -10 * DAY)
    assert(disk:sweep_old(DAY))
    assert.equal(1, #list(disk))
  end)

  it("can be read, and keeps what is being read", function()
    drop(disk, "content")
    local object <close> = assert(disk:old_object(list(disk)[1]))
    assert(disk:sweep_old(0))
    assert.equal(1, #list(disk))
    assert.is_true(object:verify_chunk(0))
    assert.equal(1, object:fields().version)
    object:close()
    assert(disk:sweep_old(0))
    assert.same({}, list(disk))
  end)

  it("gives back what rots as what it is", function()
    drop(disk, "content")
    local old = list(disk)[1]
    local bucket = ("root/trash/%02x"):format(old.key_hash:byte())
    local name = bucket .. "/" .. stores.list(folder:file(bucket))[1]
    local bytes = folder:read(name)
    folder:write(name, "x" .. bytes:sub(2))
    local object <close> = assert(disk:old_object(old))
    refused("corrupt", object:verify_chunk(0))
    folder:write(name, bytes:sub(1, -2) .. "x")
    refused("corrupt", disk:old_object(old))
    refused("corrupt", disk:restore(old, stores.path "key"))
    refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
  end)

  it("puts nothing in the place of what is as new, or of a deletion", function()
    drop(disk, "one", { version = 5 })
    local old = list(disk)[1]
    for _, version in ipairs { 6, 7 } do
      stores.put(disk, "other", { version = version })
      refused("exists", disk:restore(old, stores.path "key"))
      assert.equal("other", stores.get(disk, "key"))
      assert(disk:remove(me:raw_id(), stores.path "key"))
    end
    stores.put(disk, "older", { version = 4 })
    assert(disk:restore(old, stores.path "key"))
    assert.equal("one", stores.get(disk, "key"))
    refused("not_found", disk:restore(old, stores.path "key"))
  end)

  it("lets nobody take another object's place", function()
    drop(disk, "one", { version = 9 })
    stores.put(disk, "another", { key = "another", path = stores.path "key" })
    refused("invalid", disk:restore(list(disk)[1], stores.path "key"))
    assert.equal(1, #list(disk))
  end)

  it("goes with its object, and with no other", function()
    drop(disk, "one", { version = 5 })
    drop(disk, "other", { version = 5, key = "other" })
    drop(disk, "newer", { version = 9 })
    assert(bury(disk, 7))
    local left = list(disk)
    assert.equal(2, #left)
    assert.same({ 5, 9 }, { left[1].version, left[2].version })
    assert.equal(stores.key_hash "other", left[1].key_hash)
    assert.equal(2, (disk:old_usage "trash"))
  end)

  it("has what was deleted where that is to be kept, of that namespace only", function()
    for _, durability in ipairs { "full", "group", "none" } do
      open_again { durability = durability }
      stores.put(disk, "kept", { version = 1, key = durability })
      stores.put(disk, "not kept", { version = 1, key = durability, keys = stores.other })
      assert(disk:keep_deleted(me:raw_id(), true))
      assert(bury(disk, 2, durability))
      assert(disk:tombstone(stores.other, stores.version(stores.key_hash(durability), 2, ""), stores.path(durability)))
      local old = list(disk)
      assert.equal(1, #old)
      assert.same({ "deleted", me:raw_id(), 1 }, { old[1].why, old[1].namespace, old[1].version })
      refused("exists", disk:restore(old[1], stores.path(durability)))
      local object <close> = assert(disk:old_object(old[1]))
      assert.is_true(object:verify_chunk(0))
      object:close()
      assert(disk:keep_deleted(me:raw_id(), false))
      stores.put(disk, "again", { version = 3, key = durability })
      assert(bury(disk, 4, durability))
      assert.same({}, list(disk))
    end
  end)

  it("keeps no deletion", function()
    assert(disk:keep_deleted(me:raw_id(), true))
    assert(bury(disk, 2))
    assert(bury(disk, 3))
    assert(disk:remove(me:raw_id(), stores.path "key", nil, true))
    assert.same({}, list(disk))
  end)

  it("has the content for a new record", function()
    assert(disk:keep_deleted(me:raw_id(), true))
    local record = stores.put(disk, "content", { version = 1 })
    assert(bury(disk, 2))
    local old = list(disk)[1]
    local again = assert(store.reseal(me, record, stores.version(stores.key_hash "key", 3, "")))
    assert(disk:rewrap(stores.path "key", again, record, true, old))
    assert.equal("content", stores.get(disk, "key"))
    assert.equal(3, (assert(disk:stat(me:raw_id(), stores.path "key"))).version)
  end)

  it("counts as free, and gives way, the oldest first", function()
    local small <close> = small_disk.mount(8 << 20) or pending(small_disk.WHY_NOT) -- others take and free room on a shared one
    local here <close> = stores.open(small)
    local free = here:space()
    for i = 1, 3 do
      drop(here, stores.bytes(1 << 20, i), { key = "k" .. i })
      if i < 3 then age(small, here, 10) end
    end
    assert.is_true(math.abs(here:space() - free) < 1 << 17)
    stores.put(here, stores.bytes((11 << 19), "x"), { key = "x", known = true })
    local left = list(here)
    assert.equal(2, #left)
    for _, old in ipairs(left) do assert.not_equal(stores.key_hash "k1", old.key_hash) end
    refused("no_space", stores.try_put(here, stores.bytes(9 << 20), { key = "y", known = true })) -- that would not help
    assert.equal(2, #list(here))
    stores.put(here, stores.bytes((2 << 20) + 5, "y"), { key = "y", known = true })
    assert.same({}, list(here))
    assert.same({ 0, 0 }, { here:old_usage "trash" })
  end)

  it("gives way to a deletion on a disk without a free byte", function()
    local small <close> = small_disk.mount(8 << 20) or pending(small_disk.WHY_NOT)
    local here <close> = stores.open(small)
    assert(here:keep_deleted(me:raw_id(), true))
    drop(here, stores.bytes(1 << 20), { key = "dropped" })
    stores.put(here, "content", { version = 1 })
    small:fill()
    assert(bury(here, 2))
    local left = list(here)
    assert.equal(1, #left)
    assert.equal("deleted", left[1].why)
  end)

  it("may be filled, emptied and looked at by many at once", function()
    local tasks = {}
    for i = 1, 60 do
      tasks[i] = runtime.spawn(function()
        local key = "k" .. i % 7
        if i % 3 == 0 then
          assert(disk:sweep_old(i % 2 == 0 and 0 or DAY))
        elseif i % 3 == 1 then
          local ok, err = stores.try_put(disk, "content", { key = key, version = i })
          assert(ok or err.code == "exists", err)
        else
          local ok, err = disk:remove(me:raw_id(), stores.path(key), nil, true)
          assert(ok or err.code == "not_found", err)
        end
      end)
    end
    for _, task in ipairs(tasks) do task:join() end
    local count, bytes = disk:old_usage "trash"
    assert.equal(#list(disk), count)
    assert.equal(7 * count, bytes)
    assert(disk:sweep_old(0))
    assert.same({ 0, 0 }, { disk:old_usage "trash" })
  end)

  it("passes over what it does not know", function()
    lfs.mkdir(folder:file "root/trash/00")
    folder:write("root/trash/00/notes.txt", "mine")
    lfs.mkdir(folder:file "root/trash/more")
    assert(disk:sweep_old(0))
    assert.equal("mine", folder:read "root/trash/00/notes.txt")
  end)
end)
