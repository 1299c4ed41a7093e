---Where the objects of a store lie: removing them, setting them aside, walking over them.

local lfs = require "lfs"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other

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

describe("a walk", function()
  local function walk(disk, namespace)
    local found = {}
    local walker <close> = assert(disk:walk(namespace))
    repeat
      local entries = assert(walker:next())
      assert.is_true(#entries <= 64)
      for _, entry in ipairs(entries) do found[#found + 1] = entry end
    until #entries == 0
    assert.same({}, walker:next())
    table.sort(found, function(a, b) return a.path < b.path end)
    return found
  end

  it("sees every object once, of one namespace or of all", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    assert.same({}, walk(disk))
    assert.same({}, walk(disk, me:raw_id()))
    local records = {}
    for i = 1, 150 do
      local path = ("%s/%03d"):format(("d/"):rep(i % 7 + 1):sub(1, -2), i)
      records[path] = stores.put(disk, "content " .. i, { key = "k" .. i, path = path, version = i })
    end
    stores.put(disk, "theirs", { identity = other, path = "theirs" })
    local mine = walk(disk, me:raw_id())
    assert.equal(150, #mine)
    for _, entry in ipairs(mine) do
      local record = records[entry.path]
      assert.equal(record, entry.record)
      local fields = assert(store.parse(record))
      fields.path, fields.record = entry.path, record
      assert.same(fields, entry)
    end
    assert.equal(151, #walk(disk))
    assert.same({ "theirs" }, { walk(disk, other:raw_id())[1].path })
    assert.same({}, walk(disk, ("n"):rep(32)))
  end)

  it("tells what is no object", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "theirs", { identity = other, path = "theirs" })
    stores.put(disk, "good", { path = "good" })
    local namespace = "root/objects/" .. me:id() .. "/"
    stores.plant(folder, namespace .. "junk", "junk")
    stores.plant(folder, namespace .. "cut", folder:read(namespace .. "good"):sub(1, -2))
    stores.plant(folder, namespace .. "misplaced", folder:read("root/objects/" .. other:id() .. "/theirs"))
    assert(lfs.link("good", folder:file(namespace .. "link"), true))
    assert(os.execute("mkfifo " .. folder:file(namespace .. "pipe")))
    assert(lfs.mkdir(folder:file(namespace .. "empty")))
    assert(lfs.link("..", folder:file(namespace .. "up"), true))
    stores.plant(folder, "root/objects/no namespace/junk", "junk")
    stores.plant(folder, "root/objects/junk", "junk")
    local problems = {}
    for _, entry in ipairs(walk(disk)) do
      if entry.problem then
        assert.equal(me:raw_id(), entry.namespace)
        problems[entry.path] = entry.problem
      end
    end
    local expected = {}
    for _, name in ipairs { "junk", "cut", "misplaced", "link", "pipe", "up" } do expected[name] = "corrupt" end
    assert.same(expected, problems)
  end)

  it("goes on while objects come and go", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 200 do stores.put(disk, "x", { key = "k" .. i, path = "d" .. i % 20 .. "/" .. i }) end
    local walker <close> = assert(disk:walk())
    local seen = #assert(walker:next())
    for i = 1, 200 do
      if i % 2 == 0 then assert(disk:remove(me:raw_id(), "d" .. i % 20 .. "/" .. i)) end
      stores.put(disk, "x", { key = "new" .. i, path = "e" .. i })
    end
    repeat
      local entries = assert(walker:next())
      seen = seen + #entries
    until #entries == 0
    assert.is_true(seen >= 100)
  end)

  it("is for one task at a time, and can be given up", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 100 do stores.put(disk, "x", { key = "k" .. i, path = "p" .. i }) end
    local walker <close> = assert(disk:walk())
    local task = runtime.spawn(walker.next, walker):observe()
    runtime.sleep(0)
    assert.error_matches(function() walker:next() end, "another task")
    task:cancel()
    walker:close()
    disk:close()
    assert.error_matches(function() walker:next() end, "closed")
    assert.is_false(pcall(task.join, task))
  end)
end)
