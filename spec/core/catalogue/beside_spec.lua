---Beside the process that owns a root, for reading only.

local catalogues = require "spec.support.catalogues"
local filo = require "filo"
local process = require "spec.support.process"
local small_disk = require "spec.support.disk"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local function open_reader(folder) return assert(store.open(stores.root(folder), stores.me:raw_id(), nil, nil, true)) end

local OWNER = { durability = "group" }

describe("a catalogue that is read beside its owner", function()
  it("has what the owner has just stored", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, OWNER)
    local _ <close> = catalogues.open(disk)
    local reader <close> = open_reader(folder)
    local beside <close> = catalogues.open(reader)
    for i = 1, 50 do
      catalogues.put(disk, ("%03d"):format(i))
      assert.equal(i, #catalogues.names(beside))
      assert.same({ i, 0, 7 * i }, catalogues.usage(beside))
    end
    assert.equal(0, catalogues.seen(beside)) -- it was not made from the files
  end)

  it("is followed when the owner closes it and opens it again", function()
    local folder <close> = temp.folder()
    local reader, beside
    for i = 1, 3 do
      do
        local disk <close> = stores.open(folder, OWNER)
        local _ <close> = catalogues.open(disk)
        reader = reader or open_reader(folder)
        beside = beside or catalogues.open(reader)
        catalogues.put(disk, "while it is open " .. i)
        assert.equal(2 * i - 1, #catalogues.names(beside))
        catalogues.put(disk, "last " .. i)
      end
      assert.equal(2 * i, #catalogues.names(beside))
    end
    assert.equal(0, catalogues.seen(beside))
    beside:close()
    reader:close()
  end)

  it("is made in a temporary file where the owner has none, as of when it is asked for", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, OWNER)
    catalogues.put(disk, "a")
    local before = stores.list(stores.root(folder))
    local reader <close> = open_reader(folder)
    local beside <close> = catalogues.open(reader)
    beside:refresh()
    assert.same({ "a" }, catalogues.names(beside))
    catalogues.put(disk, "b")
    assert.same({ "a" }, catalogues.names(beside))
    beside:refresh()
    assert.same({ "a", "b" }, catalogues.names(beside))
    assert.same(before, stores.list(stores.root(folder)))
    assert.same({}, stores.drafts(folder))
  end)

  it("serves several at once where each has one made", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, OWNER)
    for i = 1, 100 do catalogues.put(disk, ("%03d"):format(i)) end
    local reader <close> = open_reader(folder)
    local beside <close> = catalogues.open(reader)
    local tasks = {}
    for i = 1, 20 do
      tasks[i] = filo.spawn(function()
        for _ = 1, 5 do
          beside:refresh()
          assert.equal(100, #catalogues.names(beside, "", 7))
        end
      end)
    end
    for _, task in ipairs(tasks) do task:join() end
  end)

  it("is not believed once its owner was killed", function()
    local folder <close> = temp.folder()
    local script = [[
      local catalogues, stores = require "spec.support.catalogues", require "spec.support.stores"
      local folder = { file = function(_, name) return arg[1] .. "/" .. name end }
      local disk = stores.open(folder, { durability = "group" })
      local catalogue = catalogues.open(disk)
      catalogues.put(disk, "a")
      catalogues.names(catalogue)
      print "up"
      require "filo".sleep(3600)
    ]]
    local child <close> = process.start { folder:write("owner.lua", script), folder.path }
    child:expect "up"
    local reader <close> = open_reader(folder)
    local beside <close> = catalogues.open(reader)
    assert.same({ { "a" }, 0 }, { catalogues.names(beside), catalogues.seen(beside) })
    child:kill "KILL"
    child:wait()
    local disk <close> = stores.open(folder, OWNER)
    catalogues.put(disk, "b")
    beside:refresh()
    assert.same({ { "a", "b" }, 2 }, { catalogues.names(beside), catalogues.seen(beside) })
  end)

  it("can be read where nothing can be written", function()
    local disk <close> = small_disk.mount(4 << 20) or pending(small_disk.WHY_NOT)
    do
      local owner <close> = stores.open(disk, OWNER)
      local _ <close> = catalogues.open(owner)
      catalogues.put(owner, "a")
    end
    disk:make_read_only()
    local reader <close> = open_reader(disk)
    local beside <close> = catalogues.open(reader)
    assert.same({ { "a" }, 0 }, { catalogues.names(beside), catalogues.seen(beside) })
  end)
end)
