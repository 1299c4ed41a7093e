---Databases of packed deletions that are damaged, or cannot be read.

local lfs = require "lfs"
local packed = require "spec.support.packed"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me
local bury, pack, stat, walk = packed.bury, packed.pack, packed.stat, packed.walk

---A root with one packed deletion, of "key".
local function make(folder)
  local disk <close> = stores.open(folder)
  bury(disk, "key")
  pack(disk, "key")
end

describe("the database of deletions", function()
  it("stops nothing with any byte of its header changed", function()
    local folder <close> = temp.folder()
    do
      local disk <close> = stores.open(folder)
      bury(disk, "key")
      pack(disk, "key")
    end
    local bytes, bad = folder:read "root/deletions", {}
    for at = 1, 100 do
      for _, by in ipairs { 1, 2, 4, 0x55, 0xff } do
        folder:write("root/deletions", bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ by) .. bytes:sub(at + 1))
        local disk <close>, err = store.open(stores.root(folder), me:raw_id(), "none")
        local what = not disk and "open: " .. tostring(err)
        if disk then
          walk(disk)
          bury(disk, "later")
          local ok, why = disk:pack(me:raw_id(), { stores.path "later" })
          if not ok then ok, why = disk:pack(me:raw_id(), { stores.path "later" }) end
          what = not ok and "pack: " .. tostring(why)
          local removed, problem = disk:remove(me:raw_id(), stores.path "later")
          what = not removed and ("%s; remove: %s"):format(what, problem) or what
        end
        if what then bad[#bad + 1] = ("byte %d by %x: %s"):format(at, by, what) end
        os.remove(folder:file "root/deletions.bad")
        os.remove(folder:file "root/deletions-journal")
        os.remove(folder:file("root/objects/" .. me:id() .. "/" .. stores.path "later"))
      end
    end
    assert.same({}, bad)
  end)

  it("of which a path is cut short by a zero is walked through to its end", function()
    local folder <close> = temp.folder()
    make(folder)
    local path, bytes = stores.path "key", folder:read "root/deletions"
    local at = assert(bytes:find(path, 1, true))
    folder:write("root/deletions", bytes:sub(1, at + 5) .. "\0" .. bytes:sub(at + 7))
    local disk <close> = stores.open(folder)
    assert.same({}, walk(disk))
  end)

  it("that another program keeps locked is told of by a walk", function()
    local folder <close> = temp.folder()
    make(folder)
    local disk <close> = stores.open(folder)
    folder:write("lock.pl", ([[
      use Fcntl;
      my $all = pack("s s x4 q q l x4", F_WRLCK, 0, 0x40000000, 512, 0); # the bytes that SQLite locks while it writes
      open(F, "+<", "%s/root/deletions") or die;
      fcntl(F, F_SETLK, $all) or die;
      $| = 1;
      print "locked\n";
      sleep 3]]):format(folder.path))
    local pipe <close> = assert(io.popen("exec perl " .. folder:file "lock.pl"))
    assert.equal("locked", pipe:read "l")
    local walker <close> = assert(disk:walk())
    local entries = assert(walker:next())
    assert.same({ 1, "deletions", "busy" }, { #entries, entries[1].path, entries[1].problem })
    assert.same({}, walker:next())
  end)

  it("is named by who packs", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 60 do bury(disk, "key " .. i) end
    for i = 1, 60 do pack(disk, "key " .. i) end
    bury(disk, "later")
    local size = lfs.attributes(folder:file "root/deletions", "size")
    local file = assert(io.open(folder:file "root/deletions", "r+b"))
    file:seek("set", 24)
    file:write "\1\2\3\4" -- the change counter: what is in memory is read again
    file:seek("set", 4096)
    file:write(("\255"):rep(size - 4096))
    file:close()
    local message = refused("corrupt", disk:pack(me:raw_id(), { stores.path "later" }))
    assert.matches("/root/deletions was damaged, and is put by as deletions.bad$", message)
  end)

  it("is named when nothing can be removed", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 200 do bury(disk, "key " .. i) end
    local keys = {}
    for i = 1, 200 do keys[i] = "key " .. i end
    pack(disk, table.unpack(keys))
    local empty = {}
    local file = assert(io.open(folder:file "root/deletions", "r+b"))
    -- a free list that leads nowhere: what deletes comes upon it, what reads does not
    file:seek("set", 24)
    file:write "\1\2\3\4"
    file:seek("set", 32)
    file:write "\0\0\0\2\0\0\0\5"
    file:close()
    for i = 1, 200 do
      local ok, err = disk:remove(me:raw_id(), stores.path("key " .. i))
      if not ok and (err.message or "") == "" then empty[#empty + 1] = err.code end
      if not ok then break end
    end
    assert.same({}, empty)
  end)

  it("cannot be made where the root's path is too long, and the root is as good as before", function()
    local folder <close> = temp.folder()
    local path = folder.path
    for _ = 1, 4 do
      path = path .. "/" .. ("x"):rep(150)
      assert(lfs.mkdir(path))
    end
    for _ = 1, 2 do
      local disk <close> = assert(store.open(path .. "/root", me:raw_id(), "none"))
      bury(disk, "key", nil)
      local said = refused("io", disk:pack(me:raw_id(), { stores.path "key" }))
      assert.matches("^cannot open " .. folder.path, said)
      assert.is_true(stat(disk, "key").tombstone)
      assert(disk:remove(me:raw_id(), stores.path "key"))
    end
  end)

  it("that cannot be put by is told of", function()
    local folder <close> = temp.folder()
    make(folder)
    folder:write("root/deletions", ("noise"):rep(5000))
    assert(lfs.mkdir(folder:file "root/deletions.bad"))
    local _, err = store.open(stores.root(folder), me:raw_id(), "none")
    assert.matches("^cannot put by .*/root/deletions, which is damaged: Is a directory$", tostring(err.message))
  end)

  it("is no symbolic link", function()
    local folder <close> = temp.folder()
    do local disk <close> = stores.open(folder); bury(disk, "key") end
    folder:write("elsewhere", "")
    os.execute(("ln -s ../elsewhere %s/root/deletions"):format(folder.path))
    local disk <close> = store.open(stores.root(folder), me:raw_id(), "none")
    if disk then disk:pack(me:raw_id(), { stores.path "key" }) end
    assert.equal(0, lfs.attributes(folder:file "elsewhere", "size"))
  end)
end)
