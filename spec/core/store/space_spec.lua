local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local small_disk = require "spec.support.disk"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me

describe("free space", function()
  it("is told beyond the reserve", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local free, total = disk:space()
    assert.is_true(free > 0 and free <= total)
    disk:close()
    local tight <close> = stores.open(folder, { reserve = total })
    assert.equal(0, (tight:space()))
  end)

  it("is kept as a reserve, in which deleting still works", function()
    local folder <close> = temp.folder()
    local roomy <close> = stores.open(folder)
    local record = stores.put(roomy, "content")
    local _, _, bytes = assert(roomy:sealed(me:raw_id(), stores.path "key", 1 << 20))
    local twin = assert(roomy:partial("elsewhere", record, bytes))
    assert(twin:publish())
    twin:close()
    local _, total = roomy:space()
    roomy:close()
    local disk <close> = stores.open(folder, { reserve = total })
    for _, size in ipairs { 0, 10, 1 << 20 } do
      local message = refused("no_space", stores.try_put(disk, ("x"):rep(size), { key = "new", known = true }))
      assert.matches("reserve", message)
      refused("no_space", stores.try_put(disk, ("x"):rep(size), { key = "new" }))
    end
    refused("no_space", disk:partial("nowhere", record))
    refused("no_space", disk:partial("nowhere", record, bytes))
    assert.equal("content", stores.get(disk, "key"))
    local grave = assert(disk:tombstone(me, stores.version(stores.key_hash "key", 2, ""), stores.path "key"))
    assert.is_true(assert(disk:stat(me:raw_id(), stores.path "key")).tombstone)
    refused("no_space", disk:partial("nowhere", grave, ""))
    local copy <close> = assert(disk:partial("elsewhere", grave, ""))
    assert(copy:publish())
    assert(disk:remove(me:raw_id(), stores.path "key"))
    assert.same({}, stores.drafts(folder))
  end)

  it("is promised once", function()
    local mounted <close> = small_disk.mount(16 << 20) or pending(small_disk.WHY_NOT) -- others take and free room on a shared one
    local probe = stores.open(mounted)
    local free = probe:space()
    probe:close()
    local disk <close> = stores.open(mounted, { reserve = free - (8 << 20) }) -- 8 MiB are left, about
    local first <close> = assert(disk:deposit(6 << 20, false, false))
    assert.matches("promised", refused("no_space", disk:deposit(6 << 20, false, false)))
    first:close()
    assert(disk:deposit(6 << 20, false, false)):close()
  end)

  it("is all given back on a disk that is full", function()
    local disk <close> = small_disk.mount(8 << 20) or pending(small_disk.WHY_NOT)
    for _, durability in ipairs { "none", "full", "group" } do
      local full <close> = stores.open(disk, { durability = durability })
      stores.put(full, "small", { key = "small" })
      local before = full:space()
      refused("no_space", stores.try_put(full, stores.bytes(9 << 20), { known = true }))
      refused("no_space", stores.try_put(full, stores.bytes(9 << 20)))
      refused("no_space", stores.try_put(full, stores.bytes(9 << 20), { plain = true }))
      assert.same({}, stores.drafts(disk))
      assert.equal(before, (full:space()))
      stores.put(full, stores.bytes(6 << 20), { key = "large" })
      assert.equal(stores.bytes(6 << 20), stores.get(full, "large"))
      assert(full:remove(me:raw_id(), stores.path "large"))
      assert(full:remove(me:raw_id(), stores.path "small"))
    end
  end)

  it("is not needed to open, read, delete and set aside", function()
    local disk <close> = small_disk.mount(2 << 20) or pending(small_disk.WHY_NOT)
    local before = stores.open(disk)
    for _, key in ipairs { "a", "b", "c" } do stores.put(before, stores.bytes(10000, key), { key = key }) end
    before:close()
    disk:fill()
    local full <close> = stores.open(disk)
    assert.equal(0, (full:space()))
    refused("no_space", stores.try_put(full, "x", { key = "d" }))
    assert.equal(stores.bytes(10000, "a"), stores.get(full, "a"))
    assert(full:set_aside(me:raw_id(), stores.path "b"))
    assert(full:remove(me:raw_id(), stores.path "a"))
    stores.put(full, "room again", { key = "d" })
    assert.equal(stores.bytes(10000, "c"), stores.get(full, "c"))
  end)

  it("is taken at once for content whose size is known", function()
    local disk <close> = small_disk.mount(8 << 20) or pending(small_disk.WHY_NOT)
    local full <close> = stores.open(disk)
    local deposit <close> = assert(full:deposit(4 << 20, false, false))
    assert(deposit:write(stores.bytes(1 << 20)))
    assert(deposit:write "x") -- so the first chunk is on its way
    while deposit:progress() < 1 << 20 do runtime.sleep(0.001) end
    disk:fill() -- nobody else can take it any more
    assert(deposit:write(stores.bytes((3 << 20) - 1)))
    assert.equal(4 << 20, deposit:finish())
  end)

  it("that ends below a draft fails it alone", function()
    local disk <close> = small_disk.mount(8 << 20) or pending(small_disk.WHY_NOT)
    local full <close> = stores.open(disk, { durability = "full" })
    local deposit <close> = assert(full:deposit(nil, false, false))
    assert(deposit:write(stores.bytes(1 << 20)))
    runtime.sleep(0.05)
    disk:fill() -- somebody else takes what is left
    local ok, err = deposit:write(stores.bytes(3 << 20))
    if ok then ok, err = deposit:finish() end
    assert.matches("no room", refused("no_space", ok, err))
    refused("no_space", deposit:finish())
    deposit:close()
    runtime.sleep(0.05)
    assert.same({}, stores.drafts(disk))
    disk:empty()
    stores.put(full, stores.bytes(4 << 20))
  end)
end)
