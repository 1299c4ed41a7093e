---Taking objects out of their places: removing them and setting them aside.

local lfs = require "lfs"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me

describe("removing", function()
  it("takes the file and the folders that it leaves empty", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      stores.put(disk, "a", { key = "a", path = "x/y/a" })
      stores.put(disk, "b", { key = "b", path = "x/b" })
      assert.is_true(disk:remove(me:raw_id(), "x/y/a"))
      refused("not_found", disk:remove(me:raw_id(), "x/y/a"))
      refused("not_found", disk:remove(me:raw_id(), "x"))
      refused("not_found", disk:remove(me:raw_id(), "x/b/c"))
      assert.same({ "b" }, stores.list(folder:file(("root/objects/%s/x"):format(me:id()))))
      assert.is_true(disk:remove(me:raw_id(), "x/b"))
      assert.same({}, stores.list(folder:file "root/objects"))
    end
  end)

  it("may be of one version only", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content", { version = 5 })
    refused("exists", disk:remove(me:raw_id(), stores.path "key", 4))
    refused("not_found", disk:remove(me:raw_id(), stores.path "key", 6))
    assert.equal("content", stores.get(disk, "key"))
    assert.is_true(disk:remove(me:raw_id(), stores.path "key", 5))
    refused("not_found", disk:remove(me:raw_id(), stores.path "key", 5))
  end)

  it("takes no neighbour that shares the path's start", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local paths = { "ab/cd/1", "ab/cd/2", "ab/ce/1", "ab/c", "ac/cd/1" }
    for _, path in ipairs(paths) do stores.put(disk, path, { key = path, path = path }) end
    for i, path in ipairs(paths) do
      assert(disk:remove(me:raw_id(), path))
      for j = i + 1, #paths do assert(disk:stat(me:raw_id(), paths[j])) end
    end
  end)

  it("and publishing at once leaves one or the other", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      local tasks = {}
      for i = 1, 60 do
        tasks[i] = runtime.spawn(function()
          local path = "deep/" .. i % 5 .. "/" .. i % 3
          if i % 2 == 0 then
            local ok, err = stores.try_put(disk, "content", { key = path, path = path, version = i })
            assert(ok or err.code == "exists", err)
          else
            local ok, err = disk:remove(me:raw_id(), path)
            assert(ok or err.code == "not_found", err)
          end
        end)
      end
      for _, task in ipairs(tasks) do task:join() end
      assert.same({}, stores.drafts(folder))
      for _, path in ipairs { "deep/0/0", "deep/1/1", "deep/2/2" } do
        local ok, err = disk:remove(me:raw_id(), path)
        assert(ok or err.code == "not_found")
      end
    end
  end)
end)

describe("setting aside", function()
  it("keeps the bytes, out of the way", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local bytes = folder:read(stores.file "key")
    assert.is_true(disk:set_aside(me:raw_id(), stores.path "key"))
    refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
    refused("not_found", disk:set_aside(me:raw_id(), stores.path "key"))
    local names = stores.list(folder:file "root/bad")
    assert.equal(1, #names)
    assert.equal(bytes, folder:read("root/bad/" .. names[1]))
    assert.same({}, stores.list(folder:file "root/objects"))
    stores.put(disk, "again")
    assert.equal("again", stores.get(disk, "key"))
  end)

  it("keeps the newest 64", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 70 do
      stores.put(disk, "content", { key = "k" .. i, path = "p" .. i })
      assert(disk:set_aside(me:raw_id(), "p" .. i))
    end
    local names = stores.list(folder:file "root/bad")
    assert.equal(64, #names)
    assert.matches("%-p7$", names[1])
    assert.matches("%-p70$", names[64])
  end)

  it("copes with the longest name", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local path = ("x"):rep(255)
    stores.put(disk, "content", { path = path })
    assert(disk:set_aside(me:raw_id(), path))
    assert.equal(1, #stores.list(folder:file "root/bad"))
  end)
end)

-- A folder in bad/ whose name sorts first could not be removed as the oldest copy, so none was, and bad/ grew.
describe("copies set aside", function()
  it("are the newest 64, whatever else lies with them", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local bad = folder:file "root/bad"
    assert(lfs.mkdir(bad .. "/0 a folder"))
    for i = 1, 70 do
      local key = "key " .. i
      stores.put(disk, "content", { key = key })
      assert(disk:set_aside(stores.me:raw_id(), stores.path(key)))
    end
    local names = stores.list(bad)
    assert.equal(65, #names)
    assert.equal("0 a folder", names[1])
  end)
end)
