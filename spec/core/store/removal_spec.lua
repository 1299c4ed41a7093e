---Taking objects out of their places: removing them and setting them aside.

local filo = require "filo"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
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

  -- Of more than 64 the oldest were deleted, which may have been the only copies that there were.
  it("keeps what is the only copy, however many there are", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 70 do
      stores.put(disk, "content", { key = "k" .. i, path = "p" .. i })
      assert(disk:set_aside(me:raw_id(), "p" .. i))
    end
    local names = stores.list(folder:file "root/bad")
    assert.equal(70, #names)
    local hex = filo.crypto.hex
    assert.matches("^%x+%-" .. hex(me:raw_id()) .. "%-" .. hex(stores.key_hash "k1") .. "%-" .. ("%016x"):format(1) .. "$", names[1])
    local count, bytes = disk:bad()
    assert.equal(70, count)
    assert.is_true(bytes >= 70 * 500)
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

describe("copies set aside", function()
  ---Calls fn(count, publish, set_aside, folder) with a store; count() tells how many lie in bad/.
  local function with_store(fn)
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local function publish(version, what)
      what = what or {}
      what.version = version
      stores.put(disk, "content", what)
    end
    local function set_aside(path) assert(disk:set_aside(me:raw_id(), path or stores.path "key")) end
    fn(function() return (disk:bad()) end, publish, set_aside, folder, disk)
  end

  it("go once a good copy of the version, or of a newer one, is published", function()
    with_store(function(count, publish, set_aside, folder)
      publish(5)
      set_aside()
      publish(5)
      assert.equal(0, count())
      nodes.flip(folder:file(stores.file "key"), 17) -- rotten content, good record
      set_aside()
      assert.equal(1, count())
      publish(6)
      assert.equal(0, count())
      assert.same({}, stores.list(folder:file "root/bad"))
    end)
  end)

  it("go once a deletion is published", function()
    with_store(function(count, publish, set_aside, _, disk)
      publish(5)
      set_aside()
      assert(disk:tombstone(me, stores.version(stores.key_hash "key", 6, ""), stores.path "key"))
      assert.equal(0, count())
    end)
  end)

  it("stay when what is published is older, or another key's", function()
    with_store(function(count, publish, set_aside)
      publish(5)
      set_aside()
      publish(4)
      assert.equal(1, count())
      publish(9, { key = "another", path = "folder/" .. stores.path("key"):match "[^/]+$" })
      assert.equal(1, count())
    end)
  end)

  it("go, although the file tells nothing, when it was told which version of what it is", function()
    with_store(function(count, publish, _, folder, disk)
      for version, left in pairs { [5] = 0, [7] = 1 } do
        publish(5)
        nodes.flip(folder:file(stores.file "key"), -1)
        assert(disk:set_aside(me:raw_id(), stores.path "key", stores.key_hash "key", version))
        assert.same({ { namespace = me:raw_id(), key_hash = stores.key_hash "key", version = version } }, disk:bad_copies(10))
        publish(6)
        assert.equal(left, count())
        assert(disk:remove(me:raw_id(), stores.path "key"))
        publish(9)
        assert.equal(0, count())
        assert(disk:remove(me:raw_id(), stores.path "key"))
      end
    end)
  end)

  it("are listed, up to a number, unless nobody knows what they are", function()
    with_store(function(count, publish, set_aside, folder, disk)
      for version = 1, 3 do
        publish(version, { key = "key " .. version, path = "p" .. version })
        if version == 3 then nodes.flip(folder:file(("root/objects/%s/p3"):format(me:id())), -1) end
        set_aside("p" .. version)
      end
      assert.equal(3, count())
      assert.equal(1, #disk:bad_copies(1))
      local list = disk:bad_copies(100)
      table.sort(list, function(a, b) return a.version < b.version end)
      local function of(version) return { namespace = me:raw_id(), key_hash = stores.key_hash("key " .. version), version = version } end
      assert.same({ of(1), of(2) }, list)
    end)
  end)

  it("stay when they do not tell what they are of", function()
    with_store(function(count, publish, set_aside, folder)
      publish(5)
      nodes.flip(folder:file(stores.file "key"), -1)
      set_aside()
      publish(6)
      assert.equal(1, count())
    end)
  end)

  it("are looked at also where they were set aside by an earlier process", function()
    with_store(function(count, publish, set_aside, folder, disk)
      publish(5)
      set_aside()
      disk:close()
      local again <close> = stores.open(folder)
      stores.put(again, "content", { version = 5 })
      assert.equal(0, (again:bad()))
      assert.is_function(count)
    end)
  end)

  it("are files: what else lies with them stays, and does not count", function()
    with_store(function(count, publish, set_aside, folder)
      local bad = folder:file "root/bad"
      assert(lfs.mkdir(bad .. "/0 a folder"))
      publish(5)
      set_aside()
      assert.equal(1, count())
      publish(5)
      assert.equal(0, count())
      assert.same({ "0 a folder" }, stores.list(bad))
    end)
  end)
end)
