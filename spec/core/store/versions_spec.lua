---Versions that others took the place of, where so many are kept.

local crypto = require "filo.core.crypto"
local lfs = require "lfs"
local refused = require "spec.support.refused"
local small_disk = require "spec.support.disk"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me

local function keep(disk, count, keys)
  assert(disk:keep_versions((keys or me):raw_id(), string.char(count):rep(256)))
end

---The numbers of the versions of an object, the newest first.
local function versions(disk, key, kind)
  local list, hash = {}, stores.key_hash(key or "key")
  for _, old in ipairs(assert(disk:old(kind or "versions", hash:byte()))) do
    if old.key_hash == hash then list[#list + 1] = old.version end
  end
  table.sort(list, function(a, b) return a > b end)
  return list
end

local function find(disk, version, key)
  local hash = stores.key_hash(key or "key")
  for _, old in ipairs(assert(disk:old("versions", hash:byte()))) do
    if old.key_hash == hash and old.version == version then return old end
  end
end

local function bury(disk, version) return disk:tombstone(me, stores.version(stores.key_hash "key", version, ""), stores.path "key") end

describe("versions", function()
  local folder, disk

  before_each(function()
    folder = temp.folder()
    disk = stores.open(folder)
  end)

  after_each(function()
    disk:close()
    folder:remove()
  end)

  it("are kept, so many of each object, for every durability", function()
    for _, durability in ipairs { "full", "group", "none" } do
      disk:close()
      disk = stores.open(folder, { durability = durability })
      keep(disk, 2)
      for version = 1, 4 do
        stores.put(disk, "content " .. version, { version = version, key = durability })
      end
      stores.put(disk, "other", { version = 9, key = "other" .. durability })
      assert.same({ 3, 2 }, versions(disk, durability))
      assert.same({}, versions(disk, "other" .. durability))
      for version = 2, 3 do
        local object <close> = assert(disk:old_object(find(disk, version, durability)))
        object:set_key((assert(store.unseal(me, object:record()))))
        assert.equal("content " .. version, stores.read(object))
      end
      assert.equal("content 4", stores.get(disk, durability))
    end
    assert(disk:sweep_old(0))
    assert.same({ 6, 54 }, { disk:old_usage "versions" })
    assert.same({ { namespace = me:raw_id(), objects = 6, bytes = 54 } }, disk:old_owners())
    assert.same({ 0, 0 }, { disk:old_usage "trash" })
  end)

  it("are as many as is said for the class, in that namespace", function()
    assert(disk:keep_versions(me:raw_id(), "\0\3" .. ("\1"):rep(254)))
    for class, most in pairs { [0] = 0, [1] = 3, [2] = 1 } do
      for version = 1, 6 do stores.put(disk, "x" .. version, { version = version, class = class, key = "k" .. class }) end
      assert.equal(most, #versions(disk, "k" .. class))
    end
    for version = 1, 3 do stores.put(disk, "x" .. version, { version = version, keys = stores.other }) end
    assert.same({}, versions(disk))
  end)

  it("are none of what has the same content, as an amended or rewrapped one", function()
    keep(disk, 5)
    local record = stores.put(disk, "content", { version = 1 })
    local amended = assert(store.reseal(me, record, stores.version(stores.key_hash "key", 2, "")))
    assert(disk:rewrap(stores.path "key", amended, record, true))
    assert.same({}, versions(disk))
    stores.put(disk, "other", { version = 3 })
    assert.same({ 2 }, versions(disk))
  end)

  it("were live: what is older than what lies there is not taken", function()
    keep(disk, 5)
    stores.put(disk, "three", { version = 3 })
    refused("exists", stores.try_put(disk, "one", { version = 1 }))
    assert.same({}, versions(disk))
    stores.put(disk, "five", { version = 5 })
    refused("exists", stores.try_put(disk, "four", { version = 4 }))
    assert.same({ 3 }, versions(disk))
  end)

  it("go with a deletion, or to the trash", function()
    keep(disk, 5)
    for version = 1, 3 do stores.put(disk, "x" .. version, { version = version }) end
    assert(bury(disk, 4))
    assert.same({ {}, {} }, { versions(disk), versions(disk, "key", "trash") })
    assert(disk:keep_deleted(me:raw_id(), true))
    for version = 5, 7 do stores.put(disk, "x" .. version, { version = version }) end
    assert.same({ 6, 5 }, versions(disk))
    assert(bury(disk, 8))
    assert.same({ {}, { 7, 6, 5 } }, { versions(disk), versions(disk, "key", "trash") })
    assert.same({ 3, 6 }, { disk:old_usage "trash" })
    assert.same({ 0, 0 }, { disk:old_usage "versions" })
  end)

  it("are no more than are kept by now, once that was looked at; where it is not known, all stay", function()
    keep(disk, 5)
    for version = 1, 5 do stores.put(disk, "x" .. version, { version = version }) end
    assert(disk:keep_versions(me:raw_id(), nil))
    stores.put(disk, "x6", { version = 6 })
    assert(disk:sweep_old(0))
    assert.same({ 4, 3, 2, 1 }, versions(disk))
    keep(disk, 2)
    assert(disk:sweep_old(0))
    assert.same({ 4, 3 }, versions(disk))
    assert.same({ 2, 4 }, { disk:old_usage "versions" })
    disk:close()
    disk = stores.open(folder)
    assert(disk:sweep_old(0))
    assert.same({ 4, 3 }, versions(disk))
    keep(disk, 0)
    assert(disk:sweep_old(0))
    assert.same({}, versions(disk))
  end)

  it("stay while the copy that took their place is dropped", function()
    keep(disk, 5)
    for version = 1, 3 do stores.put(disk, "x" .. version, { version = version }) end
    assert(disk:remove(me:raw_id(), stores.path "key", 3, true))
    assert.same({ { 2, 1 }, { 3 } }, { versions(disk), versions(disk, "key", "trash") })
  end)

  -- A process that was killed between noting a version and replacing it leaves it in both places.
  it("are there once each", function()
    keep(disk, 2)
    for version = 1, 3 do stores.put(disk, "x" .. version, { version = version }) end
    local bucket = folder:file(("root/versions/%02x/"):format(stores.key_hash("key"):byte()))
    for _, name in ipairs(stores.list(bucket)) do
      local twin = name:gsub("%-%x%x%x%x%x%x%x%x%x%x%-(%x%x%-replaced)", "-0000000001-%1")
      assert(twin ~= name and lfs.link(bucket .. name, bucket .. twin))
    end
    assert.same({ 2, 2, 1, 1 }, versions(disk))
    stores.put(disk, "x4", { version = 4 })
    assert.same({ 3, 2 }, versions(disk))
  end)

  -- The same, before the next version came: the newest among them is what counts.
  it("are no fewer for one that was not replaced after all", function()
    keep(disk, 2)
    for version = 1, 3 do stores.put(disk, "x" .. version, { version = version }) end
    local two = find(disk, 2)
    local name = ("%s-%s-%016x-%013x-%010x-%02x-replaced"):format(
      crypto.hex(two.key_hash), crypto.hex(two.namespace), 3, 2, two.time, two.class
    )
    local bucket = folder:file(("root/versions/%02x/"):format(stores.key_hash("key"):byte()))
    assert(lfs.link(folder:file(stores.file "key"), bucket .. name))
    assert.same({ 3, 2, 1 }, versions(disk))
    assert(disk:sweep_old(0))
    assert.same({ 3, 2, 1 }, versions(disk))
    stores.put(disk, "x4", { version = 4 })
    assert.same({ 3, 2 }, versions(disk))
    assert(disk:sweep_old(0))
    assert.same({ 3, 2 }, versions(disk))
    assert.equal("x4", stores.get(disk, "key"))
  end)

  it("give way to what is written, after the trash, the oldest first", function()
    local small <close> = small_disk.mount(8 << 20) or pending(small_disk.WHY_NOT)
    local here <close> = stores.open(small)
    keep(here, 5)
    for version = 1, 3 do stores.put(here, stores.bytes(1 << 20, version), { version = version }) end
    stores.put(here, stores.bytes(1 << 20, "d"), { key = "dropped" })
    assert(here:remove(me:raw_id(), stores.path "dropped", nil, true))
    stores.put(here, stores.bytes(9 << 19, "a"), { key = "a", known = true })
    assert.same({ {}, { 2, 1 } }, { versions(here, "dropped", "trash"), versions(here) })
    stores.put(here, stores.bytes(1 << 20, "b"), { key = "b", known = true })
    assert.equal(2, #versions(here) + 1)
    assert.equal(stores.bytes(1 << 20, 3), stores.get(here, "key"))
  end)

  it("of one owner may be asked to give way", function()
    for _, keys in ipairs { me, stores.other } do
      keep(disk, 5, keys)
      for version = 1, 4 do stores.put(disk, "12345", { version = version, keys = keys, key = keys:id() }) end
    end
    assert.equal(10, disk:yield_versions(me:raw_id(), 6))
    assert.equal(1, #versions(disk, me:id()))
    assert.equal(3, #versions(disk, stores.other:id()))
    assert.equal(5, disk:yield_versions(me:raw_id(), 1 << 30))
    assert.equal(0, disk:yield_versions(me:raw_id(), 1))
  end)

  it("do not go while they are read", function()
    keep(disk, 1)
    stores.put(disk, "x1", { version = 1 })
    stores.put(disk, "x2", { version = 2 })
    local object <close> = assert(disk:old_object(find(disk, 1)))
    stores.put(disk, "x3", { version = 3 })
    assert.same({ 2, 1 }, versions(disk))
    object:close()
    assert(disk:sweep_old(0))
    assert.same({ 2 }, versions(disk))
  end)
end)
