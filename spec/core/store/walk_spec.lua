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

describe("a walk in the order of paths", function()
  ---All paths after one, in one walk, or in one for each batch.
  local function paths(disk, after, in_one)
    local found = {}
    local walker = assert(disk:walk(me:raw_id(), after))
    while true do
      local entries = assert(walker:next())
      if not entries[1] then break end
      for _, entry in ipairs(entries) do found[#found + 1] = entry.path end
      if not in_one then
        walker:close()
        walker = assert(disk:walk(me:raw_id(), found[#found]))
      end
    end
    walker:close()
    return found
  end

  ---Folder by folder: a slash comes before all that may be in a name.
  local function sorted(list)
    local function order_of(path) return (path:gsub("/", "\0")) end
    table.sort(list, function(a, b) return order_of(a) < order_of(b) end)
    return list
  end

  it("gives those after a path, wherever that is, in one walk or in many", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    assert.same({}, paths(disk, ""))
    local all = {}
    for i = 1, 400 do
      local path = i <= 300 and "flat/" .. i or ("%s/%03d"):format(("d/"):rep(i % 4 + 1):sub(1, -2), i)
      all[i] = path
      stores.put(disk, "x", { key = "k" .. i, path = path })
    end
    for _, path in ipairs { "a", "a-b", "a.b", "aa", "b/c", "b-c/d", "\xff/\xfe" } do
      all[#all + 1] = path
      stores.put(disk, "x", { key = path, path = path })
    end
    sorted(all)
    for _, in_one in ipairs { true, false } do assert.same(all, paths(disk, "", in_one)) end
    for _, at in ipairs { 1, 2, 5, 8, 99, 300, 301, 406, 407 } do
      assert.same(table.move(all, at + 1, #all, 1, {}), paths(disk, all[at], true))
    end
    for _, case in ipairs { { "b", 6 }, { "a/x/y", 2 }, { "d/", nil }, { "\xff/\xff", 408 }, { "b-c", 7 }, { "0", 1 } } do
      local after, first = case[1], case[2]
      if first then assert.equal(all[first], paths(disk, after, true)[1], after) end
      if not first then assert.error_matches(function() disk:walk(me:raw_id(), after) end, "path") end
    end
    assert.error_matches(function() disk:walk(nil, "a") end, "of one namespace only")
  end)

  it("gives what is there all the time once, while others come and go", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local stays = {}
    for i = 1, 150 do
      stays[i] = ("%03d/%d"):format(i * 7 % 97, i)
      stores.put(disk, "x", { key = "k" .. i, path = stays[i] })
      stores.put(disk, "x", { key = "g" .. i, path = ("%03d/goes%d"):format(i * 5 % 97, i) })
    end
    local count, round, last = {}, 0, ""
    repeat
      local walker <close> = assert(disk:walk(me:raw_id(), last))
      local entries = assert(walker:next())
      for _, entry in ipairs(entries) do
        last = entry.path
        count[last] = (count[last] or 0) + 1
      end
      round = round + 1
      for i = round, 150, 5 do disk:remove(me:raw_id(), ("%03d/goes%d"):format(i * 5 % 97, i)) end
      for i = 1, 10 do stores.put(disk, "x", { key = "new", version = round * 100 + i, path = ("%03d/new"):format(round * 11 % 97) }) end
    until #entries == 0
    for _, path in ipairs(stays) do assert.equal(1, count[path], path) end
    for path, times in pairs(count) do assert.equal(1, times, path) end
  end)
end)
