local crypto = require "filo.core.crypto"
local lfs = require "lfs"
local process = require "spec.support.process"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
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
    assert.same({ "bad", "filo-root", "lock", "objects", "tmp" }, stores.list(path))
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
    local marker = ("filo root v1\nowner %s\n"):format(me:id())
    for _, text in ipairs { "", "x", marker:sub(1, -2), marker .. "\n", marker:upper(), marker:gsub("v1", "v2") } do
      local folder <close> = temp.folder()
      stores.plant(folder, "root/filo-root", text)
      assert.matches("filo%-root", refused("corrupt", try_open(folder)))
      assert.same({ "filo-root" }, stores.list(stores.root(folder)))
    end
  end)

  it("whose marker is a link or a folder is refused", function()
    local folder <close> = temp.folder()
    stores.plant(folder, "root/elsewhere", ("filo root v1\nowner %s\n"):format(me:id()))
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
      assert.same({ "bad", "filo-root", "lock", "objects", "tmp" }, stores.list(stores.root(folder)))
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

describe("a store in use", function()
  ---A task that waits until it is idle.
  local function waiting(disk)
    local task = runtime.spawn(disk.wait_idle, disk):observe()
    runtime.sleep(0)
    assert.equal("waiting", task:status())
    return task
  end

  it("tells at once when the last of what came from it is closed", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    assert.is_true(disk:wait_idle(0))
    local object, walk = stores.object(disk, "key"), assert(disk:walk())
    local task = waiting(disk)
    object:close()
    runtime.sleep(0)
    assert.equal("waiting", task:status())
    walk:close()
    runtime.sleep(0)
    assert.equal("ended", task:status())
    assert.is_true(task:join())
  end)

  it("is idle only when the workers are done with what was given up", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk = stores.open(folder, { durability = durability })
      for _ = 1, 5 do
        local deposit = assert(disk:deposit(8 << 20, false, false))
        assert(deposit:write(stores.bytes(8 << 20)))
        deposit:close()
        assert.is_true(disk:wait_idle())
        assert.same({}, stores.drafts(folder))
        local published = assert(disk:deposit(nil, false, false))
        assert(published:write "content")
        local publishing = runtime.spawn(stores.publish, published, { version = runtime.time() }):observe()
        runtime.sleep(0)
        published:close()
        assert.is_true(disk:wait_idle())
        assert.same({}, stores.drafts(folder))
        publishing:cancel()
      end
      disk:close()
      assert(try_open(folder)):close() -- nothing kept it
    end
  end)

  -- A node that was closing took its disk for idle, though a call on it had begun after the last one had ended.
  it("is not idle when it is used again before who waits goes on", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local walk = assert(disk:walk())
    local task = waiting(disk)
    walk:close()
    walk = assert(disk:walk())
    runtime.sleep(0)
    assert.equal("waiting", task:status())
    walk:close()
    assert.is_true(task:join())
    walk = assert(disk:walk())
    local in_time = runtime.spawn(disk.wait_idle, disk, 0.01):observe()
    runtime.sleep(0)
    walk:close()
    walk = assert(disk:walk())
    refused("timeout", in_time:join())
    walk:close()
  end)

  it("can be waited for again after a deadline and a cancelled wait", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local walk = assert(disk:walk())
    assert.matches("in use", refused("timeout", disk:wait_idle(0.01)))
    refused("timeout", disk:wait_idle(0))
    local cancelled = waiting(disk)
    assert.error_matches(function() disk:wait_idle() end, "waits for this already")
    cancelled:cancel()
    assert.is_false((pcall(cancelled.join, cancelled)))
    local task = waiting(disk)
    walk:close()
    assert.is_true(task:join())
    local again = assert(disk:walk())
    refused("timeout", disk:wait_idle(0.01))
    again:close()
  end)

  it("ends a wait when it is closed", function()
    local folder <close> = temp.folder()
    local disk = stores.open(folder)
    local walk = assert(disk:walk())
    local task = waiting(disk)
    disk:close()
    refused("closed", task:join())
    walk:close()
  end)

  it("does not tell who waits for another", function()
    local here <close> = temp.folder()
    local there <close> = temp.folder()
    local one <close> = stores.open(here)
    local other_one <close> = stores.open(there)
    local walk, other_walk = assert(one:walk()), assert(other_one:walk())
    local task, other_task = waiting(one), waiting(other_one)
    walk:close()
    assert.is_true(task:join())
    assert.equal("waiting", other_task:status())
    other_walk:close()
    assert.is_true(other_task:join())
  end)

  it("does not keep a process that waits for it from ending", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    local script = folder:write("script.lua", [[
      local runtime, store = require "filo.core.runtime", require "filo.core.store"
      local disk = assert(store.open(arg[1], require "filo.core.crypto".unhex(arg[2]), "none"))
      local walk = assert(disk:walk())
      runtime.spawn(function()
        local again <close> = setmetatable({}, { __close = function() disk:wait_idle() end })
        disk:wait_idle()
      end)
      runtime.sleep(0)
      print(walk ~= nil)
    ]])
    local result = process.run { script, stores.root(folder), me:id() }
    assert.equal(0, result.status, result.err)
    assert.equal("true\n", result.out)
  end)
end)

describe("a path", function()
  local hash = stores.key_hash "key"

  it("is made of a digest", function()
    local digests = {
      md5 = crypto.hex(crypto.digest("md5", hash)),
      sha1 = crypto.hex(crypto.digest("sha1", hash)),
      sha256 = crypto.hex(crypto.digest("sha256", hash)),
    }
    for name, digits in pairs(digests) do
      assert.equal(digits, store.cas_path(name, 1, 0, hash))
      assert.equal(("%s/%s/%s"):format(digits:sub(1, 2), digits:sub(3, 4), digits), store.cas_path(name, 2, 2, hash))
      assert.equal(digits:gsub("%x", "%0/", 16) .. "", (store.cas_path(name, 1, 16, hash):gsub("/%x+$", "/" .. digits:sub(17))))
    end
    local sha1 = digests.sha1 -- the prototype's layout
    assert.equal(sha1:gsub("%x%x%x%x%x", "%0/") .. sha1, store.cas_path("sha1", 5, 8, hash))
    assert.equal(digests.sha256 .. "/" .. digests.sha256, store.cas_path("sha256", 64, 1, hash))
  end)

  it("is not made of what does not fit", function()
    for _, case in ipairs {
      { "sha1", 0, 2 }, { "sha1", 65, 0 }, { "sha1", 2, 17 }, { "sha1", 2, -1 }, { "sha1", -2, 2 }, { "md5", 3, 11 },
      { "sha1", 41, 1 }, { "sha1", 2 + (1 << 32), 2 }, { "sha1", 2, 2 + (1 << 32) }, { "sha256", 64, 2 },
    } do
      refused("invalid", store.cas_path(case[1], case[2], case[3], hash))
    end
    assert.error_matches(function() store.cas_path("sha512", 2, 2, hash) end, "md5, sha1 or sha256")
    assert.error_matches(function() store.cas_path("sha1", 2, 2, hash .. "x") end, "32 bytes")
  end)

  local allowed = {
    "a", "a/b/c", "...", "..a", "a..", "a/.b", "a b", "\u{e9}\u{4e2d}", "\xff\xfe", "~", "a\\..\\b", "-rf", "*",
    ("x"):rep(255), ("x/"):rep(255) .. "y", ("x"):rep(255) .. "/" .. ("y"):rep(255),
  }
  local forbidden = {
    "", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "../../x", "a\0b", "\0",
    "a\nb", "\x7f", "\x1f", ("x"):rep(256), "a/" .. ("x"):rep(256), ("x/"):rep(256) .. "y", ("x"):rep(512),
  }

  it("stays within the root", function()
    for _, path in ipairs(allowed) do assert.is_true(store.check_path(path), path) end
    for _, path in ipairs(forbidden) do refused("invalid", store.check_path(path)) end
  end)

  it("is checked wherever it is given", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local deposit <close> = disk:deposit(nil, false, false)
    assert(deposit:finish())
    for _, path in ipairs(forbidden) do
      for _, call in ipairs {
        function() disk:stat(me:raw_id(), path) end,
        function() disk:object(me:raw_id(), path) end,
        function() disk:remove(me:raw_id(), path) end,
        function() disk:set_aside(me:raw_id(), path) end,
        function() disk:partial(path, "record") end,
        function() disk:tombstone(me, hash, 1, "", path) end,
        function() deposit:publish(me, hash, 1, "", path) end,
      } do
        assert.error_matches(call, "path")
      end
    end
    for _, path in ipairs(allowed) do
      assert(stores.put(disk, path, { path = path, key = path }))
      assert.equal(#path, assert(disk:stat(me:raw_id(), path)).size)
      assert(disk:remove(me:raw_id(), path))
    end
    assert.same({}, stores.list(folder:file "root/objects"))
  end)

  it("is not followed through a symbolic link", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    assert(lfs.mkdir(folder:file "outside"))
    stores.put(disk, "content", { path = "in/side" })
    local namespace = folder:file("root/objects/" .. me:id())
    assert(lfs.link(folder:file "outside", namespace .. "/link", true))
    assert(os.rename(namespace .. "/in/side", folder:file "outside/side"))
    assert(lfs.link(folder:file "outside/side", namespace .. "/in/side", true))
    for _, path in ipairs { "link/x", "link/side" } do
      assert.matches("symbolic link", refused("denied", stores.try_put(disk, "content", { path = path, version = 2 })))
      refused("denied", disk:object(me:raw_id(), path))
      refused("denied", disk:remove(me:raw_id(), path))
    end
    refused("denied", disk:stat(me:raw_id(), "in/side"))
    stores.put(disk, "new", { path = "in/side" }) -- replaces the link, not its target
    assert.equal(3, assert(disk:stat(me:raw_id(), "in/side")).size)
    assert.same({ "side" }, stores.list(folder:file "outside"))
    assert.same({}, stores.drafts(folder))
  end)

  it("is of one key", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "one", { key = "one", path = "same" })
    assert.matches("two keys to one path", refused("invalid", stores.try_put(disk, "two", { key = "two", path = "same", version = 2 })))
    refused("invalid", stores.try_put(disk, "below", { key = "two", path = "same/below" }))
    stores.put(disk, "deep", { key = "deep", path = "d/e/ep" })
    assert.matches("folder", refused("invalid", stores.try_put(disk, "two", { key = "two", path = "d/e" })))
    refused("not_found", disk:stat(me:raw_id(), "d/e"))
    refused("not_found", disk:stat(me:raw_id(), "same/below"))
    assert.same({}, stores.drafts(folder))
    assert.equal(3, assert(disk:stat(me:raw_id(), "same")).size)
  end)
end)

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
    local grave = assert(disk:tombstone(me, stores.key_hash "key", 2, "", stores.path "key"))
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
