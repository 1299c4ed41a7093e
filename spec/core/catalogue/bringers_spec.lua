local catalogues = require "spec.support.catalogues"
local crypto = require "filo.core.crypto"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local ONE, TWO = ("\1"):rep(32), ("\2"):rep(32)
local OTHER = stores.other:raw_id()

---Who has brought how much: objects, deletions and bytes of each.
local function brought(catalogue)
  local owners, bringers = assert(catalogues.ask(catalogue, "usage"))
  local list, bytes = {}, 0
  for _, each in ipairs(bringers) do list[each.bringer:byte()] = { each.objects, each.deleted, each.bytes } end
  for _, each in ipairs(owners) do bytes = bytes + each.bytes end
  return list, bytes
end

describe("who has brought a copy", function()
  it("is known of what was brought, and follows what lies there", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, { durability = "full" })
    local catalogue <close> = catalogues.open(disk)
    stores.put(disk, "own")
    catalogues.bring(disk, ONE, "a", "12345", 1)
    catalogues.bring(disk, ONE, "b", "123", 1)
    catalogues.bring(disk, TWO, "c", "1", 1)
    assert.same({ { 2, 0, 8 }, { 1, 0, 1 } }, (brought(catalogue)))
    assert.equal(12, select(2, brought(catalogue)))
    catalogues.bring(disk, TWO, "a", "1234567", 2)
    assert.same({ { 1, 0, 3 }, { 2, 0, 8 } }, (brought(catalogue)))
    assert.equal(TWO, (select(5, disk:sealed(OTHER, stores.path "a", 0))))
    assert.is_nil((select(5, disk:sealed(stores.me:raw_id(), stores.path "key", 0))))
    assert(disk:remove(OTHER, stores.path "b"))
    assert(disk:set_aside(OTHER, stores.path "c"))
    assert.same({ [2] = { 1, 0, 7 } }, (brought(catalogue)))
  end)

  it("is known of a partial, and of a record that is brought for content that is here", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local catalogue <close> = catalogues.open(disk)
    local record, body = catalogues.version_of_other("a", "12345", 1)
    do
      local partial <close> = assert(disk:partial(stores.path "a", record, body, nil, nil, ONE))
      assert(partial:publish())
    end
    assert.same({ { 1, 0, 5 } }, (brought(catalogue)))
    local newer = assert(store.reseal(stores.other, record, stores.version(stores.key_hash "a", 2, "")))
    assert(disk:rewrap(stores.path "a", newer))
    assert.same({ { 1, 0, 5 } }, (brought(catalogue))) -- who brought the content has brought that
    newer = assert(store.reseal(stores.other, record, stores.version(stores.key_hash "a", 3, "")))
    assert(disk:rewrap(stores.path "a", newer, nil, nil, nil, TWO))
    assert.same({ [2] = { 1, 0, 5 } }, (brought(catalogue)))
  end)

  it("is known once it was verified, too, and takes no room", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    catalogues.bring(disk, ONE, "a", "12345", 1)
    do
      local object <close> = stores.object(disk, "a", stores.other)
      assert(object:mark_verified())
    end
    local _, _, _, verified, bringer = disk:sealed(OTHER, stores.path "a", 0)
    assert.equal(ONE, bringer)
    assert.is_true(verified > 0)
    local path = folder:file("root/objects/" .. crypto.hex(OTHER) .. "/" .. stores.path "a")
    local function blocks(file)
      local pipe <close> = assert(io.popen(("sync %s && stat -c %%b %s"):format(temp.quote(file), temp.quote(file))))
      return pipe:read "n"
    end
    assert(os.execute(("cat %s > %s"):format(temp.quote(path), temp.quote(folder:file "bare"))))
    assert.equal(blocks(folder:file "bare"), blocks(path)) -- a block of its own was taken for what was noted
  end)

  it("is known of files, also when the catalogue is made anew", function()
    local folder <close> = temp.folder()
    for _ = 1, 2 do
      local disk <close> = stores.open(folder, { durability = "full" })
      local catalogue <close> = catalogues.open(disk)
      if next((brought(catalogue))) == nil then
        for i = 1, 30 do catalogues.bring(disk, i % 3 == 0 and TWO or ONE, "object " .. i, "12345", 1) end
      else
        assert.equal(30, catalogues.seen(catalogue)) -- it was made anew
      end
      assert.same({ { 20, 0, 100 }, { 10, 0, 50 } }, (brought(catalogue)))
      catalogue:close()
      disk:close()
      os.remove(stores.root(folder) .. "/catalogue")
    end
    local disk <close> = stores.open(folder)
    local count = { [ONE] = 0, [TWO] = 0 }
    local walk <close> = assert(disk:walk(OTHER))
    for batch in function() return walk:next() end do
      if not batch[1] then break end
      for _, each in ipairs(batch) do count[each.bringer] = count[each.bringer] + 1 end
    end
    assert.same({ [ONE] = 20, [TWO] = 10 }, count)
  end)
end)
