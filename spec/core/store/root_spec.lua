local lfs = require "lfs"
local process = require "spec.support.process"
local refused = require "spec.support.refused"
local small_disk = require "spec.support.disk"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other

local function try_open(folder, owner) return store.open(stores.root(folder), (owner or me):raw_id(), "none") end

describe("a root", function()
  it("is made where there is none, with its parents", function()
    local folder <close> = temp.folder()
    local path = folder:file "a/b c/\u{fc}/root"
    local disk <close> = assert(store.open(path, me:raw_id()))
    assert.is_truthy(disk:space())
    assert.same({ "bad", "filo-root", "lock", "objects", "tmp", "trash", "versions" }, stores.list(path))
  end)

  it("is made of an empty folder, or of one with an identity", function()
    for _, name in ipairs { "", "identity", "identity.0123456789abcdef", "lost+found" } do
      local folder <close> = temp.folder()
      assert(store.prepare(stores.root(folder)))
      assert(store.prepare(stores.root(folder)), "again")
      if name ~= "" then folder:write("root/" .. name, "something") end
      assert(try_open(folder)):close()
    end
  end)

  it("keeps no draft of a private file that a killed process left", function()
    local folder <close> = temp.folder()
    try_open(folder):close()
    for _, name in ipairs { "identity", "identity.0123456789abcde", "identity.old", "node.lua" } do
      folder:write("root/" .. name, "kept")
    end
    for _, name in ipairs { "identity", "cluster", "node.lua" } do
      folder:write(("root/%s.0123456789abcdef"):format(name), "secret")
    end
    try_open(folder):close()
    assert.same({
      "bad", "filo-root", "identity", "identity.0123456789abcde", "identity.old", "lock", "node.lua", "objects", "tmp", "trash", "versions",
    }, stores.list(stores.root(folder)))
  end)

  it("is not made of a folder with content, which stays as it is", function()
    local folder <close> = temp.folder()
    stores.plant(folder, "root/photo.jpg", "precious")
    local message = refused("denied", try_open(folder))
    assert.matches("photo.jpg", message, 1, true)
    assert.matches("no marker filo-root", message, 1, true)
    refused("denied", store.prepare(stores.root(folder)))
    assert.same({ "photo.jpg" }, stores.list(stores.root(folder)))
  end)

  it("whose marker is gone is not believed to be empty", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    assert(os.remove(folder:file "root/filo-root"))
    assert.matches("restore the marker", refused("denied", try_open(folder)))
  end)

  it("of another node is refused by name", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    local message = refused("denied", try_open(folder, other))
    assert.matches("belongs to node " .. me:id(), message, 1, true)
    assert.matches("not to " .. other:id(), message, 1, true)
  end)

  it("with a marker that is none is refused", function()
    local marker = ("filo root v2\nowner %s\n"):format(me:id())
    for _, text in ipairs { "", "x", marker:sub(1, -2), marker .. "\n", marker:upper() } do
      local folder <close> = temp.folder()
      stores.plant(folder, "root/filo-root", text)
      assert.matches("filo%-root", refused("corrupt", try_open(folder)))
      assert.same({ "filo-root" }, stores.list(stores.root(folder)))
    end
  end)

  it("of another format is refused, and left as it is", function()
    for _, format in ipairs { 1, 3 } do
      local folder <close> = temp.folder()
      local text = ("filo root v%d\nowner %s\n"):format(format, me:id())
      stores.plant(folder, "root/filo-root", text)
      assert.matches(("has format %d, this Filo knows 2 only"):format(format), refused("unsupported", try_open(folder)), 1, true)
      assert.same({ "filo-root" }, stores.list(stores.root(folder)))
    end
  end)

  it("whose marker is a link or a folder is refused", function()
    local folder <close> = temp.folder()
    stores.plant(folder, "root/elsewhere", ("filo root v2\nowner %s\n"):format(me:id()))
    assert(lfs.link("elsewhere", folder:file "root/filo-root", true))
    assert.is_nil((try_open(folder)))
    assert(os.remove(folder:file "root/filo-root"))
    assert(lfs.mkdir(folder:file "root/filo-root"))
    assert.is_nil((try_open(folder)))
  end)

  it("is opened once at a time in a process", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    assert.matches("open in this process already", refused("locked", try_open(folder)))
    disk:close()
    disk:close()
    assert(try_open(folder)):close()
  end)

  it("is owned by one process, until that has ended in whatever way", function()
    local folder <close> = temp.folder()
    local script = folder:write("hold.lua", [[
      local store = require "filo.core.store"
      local disk <close> = assert(store.open(arg[1], require "filo.core.crypto".unhex(arg[2])))
      print "held"
      io.stdout:flush()
      require "filo.core.runtime".sleep(60)]])
    local child <close> = process.start { script, stores.root(folder), me:id() }
    child:expect "held"
    assert.matches("in use by process " .. child.pid, refused("locked", try_open(folder)), 1, true)
    child:kill "KILL"
    child:wait()
    assert(try_open(folder)):close()
  end)

  it("that was made half-way is opened", function()
    for _, files in ipairs { { "lock" }, { "lock", "filo-root.new" } } do
      local folder <close> = temp.folder()
      for _, name in ipairs(files) do stores.plant(folder, "root/" .. name, "") end
      assert(try_open(folder)):close()
      assert.same({ "bad", "filo-root", "lock", "objects", "tmp", "trash", "versions" }, stores.list(stores.root(folder)))
    end
  end)

  it("that is no folder is refused", function()
    local folder <close> = temp.folder()
    folder:write("root", "a file")
    assert.matches("not a folder", refused("denied", try_open(folder)))
    refused("invalid", store.open("", me:raw_id()))
    assert.is_nil((store.open(folder:file "root/below", me:raw_id())))
  end)

  it("on a disk that cannot be written is refused", function()
    local disk <close> = small_disk.mount(1 << 20) or pending(small_disk.WHY_NOT)
    refused("not_found", try_open { file = function() return "/proc/no/such" end })
    stores.open(disk):close()
    disk:make_read_only()
    assert.matches("root", refused("denied", try_open(disk)))
    assert.matches("elsewhere", refused("denied", store.open(disk:file "elsewhere", me:raw_id())))
  end)

  it("loses what was left unfinished, but for what may be resumed", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    local part = ("a"):rep(64) .. ".part"
    local old = ("b"):rep(64) .. ".part"
    local link = ("c"):rep(64) .. ".part"
    for _, name in ipairs { "0000000000000000", "junk", part, old } do folder:write("root/tmp/" .. name, "x") end
    assert(lfs.touch(folder:file("root/tmp/" .. old), os.time() - 8 * 24 * 3600))
    assert(lfs.link("junk", folder:file("root/tmp/" .. link), true))
    stores.open(folder):close()
    assert.same({ part }, stores.drafts(folder))
  end)

  it("keeps what is in it", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      stores.put(disk, durability, { key = durability })
    end
    local disk <close> = stores.open(folder)
    for _, key in ipairs { "full", "group", "none" } do assert.equal(key, stores.get(disk, key)) end
  end)

  it("stays open while something of it is in use", function()
    local folder <close> = temp.folder()
    local disk = stores.open(folder)
    stores.put(disk, "content")
    local object = stores.object(disk, "key")
    disk:close()
    assert.equal("content", stores.read(object))
    refused("locked", try_open(folder))
    object:close()
    assert(try_open(folder)):close()
  end)

  it("is let go when something could not be begun", function()
    local folder <close> = temp.folder()
    for _, attempt in ipairs {
      function(disk) return disk:deposit(1 << 47, false, false) end,
      function(disk) return disk:deposit_file(folder:file "absent", false, false) end,
      function(disk) return disk:object(me:raw_id(), "absent") end,
      function(disk) return disk:partial("a", "no record") end,
    } do
      local disk = assert(try_open(folder))
      assert.is_nil((attempt(disk)))
      disk:close()
      assert(try_open(folder)):close()
    end
  end)

  it("refuses misuse at the caller's line", function()
    local folder <close> = temp.folder()
    assert.error_matches(function() store.open(stores.root(folder), "short") end, "owner of 32 bytes")
    assert.error_matches(function() store.open(stores.root(folder), me:raw_id(), "fast") end, "invalid option 'fast'")
    assert.error_matches(function() store.open(stores.root(folder), me:raw_id(), "none", -1) end, "0 or more")
    assert.error_matches(function() store.open(stores.root(folder) .. "\0x", me:raw_id()) end, "NUL")
    local disk = stores.open(folder)
    disk:close()
    assert.error_matches(function() disk:space() end, "closed")
    assert.error_matches(function() disk:stat(me:raw_id(), "a") end, "closed")
  end)
end)
