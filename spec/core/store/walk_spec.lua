---Walking over the objects of a store.

local lfs = require "lfs"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other

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
    stores.put(disk, "theirs", { keys = other, path = "theirs" })
    local mine = walk(disk, me:raw_id())
    assert.equal(150, #mine)
    for _, entry in ipairs(mine) do
      local record = records[entry.path]
      assert.equal(record, entry.record)
      local fields = assert(store.parse(record))
      fields.path, fields.record, fields.verified = entry.path, record, entry.verified
      assert.same(fields, entry)
    end
    assert.is_true(math.abs(mine[1].verified - os.time()) < 60)
    assert.equal(151, #walk(disk))
    assert.same({ "theirs" }, { walk(disk, other:raw_id())[1].path })
    assert.same({}, walk(disk, ("n"):rep(32)))
  end)

  it("tells what is no object", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "theirs", { keys = other, path = "theirs" })
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
    local problem
    runtime.spawn(function() -- in the same turn of the loop, so that the first still waits
      problem = select(2, pcall(walker.next, walker))
      task:cancel()
      walker:close()
      disk:close()
    end):join()
    assert.matches("another task", problem)
    assert.error_matches(function() walker:next() end, "closed")
    assert.is_false(pcall(task.join, task))
  end)
end)
