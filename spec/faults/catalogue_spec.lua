---What may be wrong with the catalogue: nothing is lost by it, and nothing wrong is said.

local catalogues = require "spec.support.catalogues"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local small_disk = require "spec.support.disk"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local OWNER = { durability = "group" }
local PAGE, BRINGER, HOLDER = 4096, ("b"):rep(32), ("h"):rep(32)

local function name_of(i) return ("%s %03d"):format(("long name "):rep(8), i) end

---Objects, deletions, and something of another's.
local function fill(disk)
  for i = 1, 60 do catalogues.put(disk, name_of(i)) end
  for i = 1, 5 do assert(disk:tombstone(stores.me, stores.version(stores.key_hash(name_of(i)), 2, ""), stores.path(name_of(i)))) end
  catalogues.put(disk, "theirs", "12345", { keys = stores.other })
  catalogues.bring(disk, BRINGER, "brought", "123")
end

---Asks for everything that it can tell; gives it as a text.
local function tell_all(catalogue)
  local me, lines = stores.me:raw_id(), {}
  local function add(method, ...)
    local list = {}
    for _, row in ipairs(assert(catalogues.ask(catalogue, method, ...))) do
      list[#list + 1] = ("%s %s %s"):format(row.name, row.version, row.size)
    end
    table.sort(list)
    lines[#lines + 1] = method .. ": " .. table.concat(list, ", ")
  end
  local names = catalogues.names(catalogue, "", 7)
  lines[1] = table.concat(names, ", ")
  lines[2] = tostring(catalogues.ask(catalogue, "noted", me, ("p"):rep(32)))
  add("names", me, "")
  add("records", me, "")
  add("files", me, 0)
  add("files", stores.other:raw_id(), 0)
  add("tombstones", me, 0)
  add("stalest", me, -1, 0)
  add("problems", 0)
  for _, identity in ipairs { stores.me, stores.other } do
    lines[#lines + 1] = table.concat(catalogues.usage(catalogue, identity), " ")
  end
  for _, each in ipairs((select(2, assert(catalogues.ask(catalogue, "usage"))))) do
    lines[#lines + 1] = ("%s %d %d"):format(each.bringer, each.objects, each.bytes)
  end
  return table.concat(lines, "\n")
end

---What it knows of a node that holds some, and was told by it: that, or, when it was made anew, nothing. It is told again.
local function check_holder(catalogue)
  local marks, salt = {}, ("s"):rep(16)
  local print, count = assert(catalogues.ask(catalogue, "print", HOLDER, salt))
  for i = 6, 60 do marks[#marks + 1] = catalogue:mark(stores.me:raw_id(), stores.key_hash(name_of(i)), 1) end
  assert.equal("", catalogues.ask(catalogue, "believe", HOLDER, table.concat(marks), true, 1))
  assert.is_true(count == 0 or print == assert(catalogues.ask(catalogue, "print", HOLDER, salt)))
end

---What it tells when it is opened.
local function reopen(folder)
  local disk <close> = stores.open(folder, OWNER)
  local catalogue <close> = catalogues.open(disk)
  for key, keys in pairs { [name_of(60)] = stores.me, brought = stores.other } do
    local object <close> = stores.object(disk, key, keys)
    assert(object:mark_verified()) -- so that a row is looked for by its place, and who brought it
  end
  check_holder(catalogue)
  local told = tell_all(catalogue)
  return told, catalogues.seen(catalogue)
end

describe("a catalogue with a byte that is another", function()
  it("tells all that is right, wherever that byte is", function()
    local folder <close> = temp.folder()
    do
      local disk <close> = stores.open(folder, OWNER)
      local _ <close> = catalogues.open(disk)
      fill(disk)
    end
    local right = reopen(folder)
    local path, rebuilt = folder:file "root/catalogue", 0
    local pages = lfs.attributes(path, "size") // PAGE
    assert.is_true(pages >= 10)
    for page = 0, pages - 1 do
      for _, at in ipairs { 0, 20, PAGE // 2, PAGE - 1 } do
        nodes.flip(path, page * PAGE + at)
        local told, seen = reopen(folder)
        assert.equal(right, told, ("page %d, byte %d"):format(page, at))
        rebuilt = rebuilt + (seen > 0 and 1 or 0)
      end
    end
    assert.is_true(rebuilt >= 4 * (pages - 2)) -- one table is of use only while it is made, and one where peers list something
  end)
end)

describe("a process that is killed while it makes its catalogue", function()
  it("leaves nothing that is believed, nor anything else", function()
    local folder <close> = temp.folder()
    do
      local disk <close> = stores.open(folder)
      for i = 1, 1500 do catalogues.put(disk, name_of(i)) end
    end
    local script = folder:write("owner.lua", [[
      local runtime, stores = require "filo.core.runtime", require "spec.support.stores"
      local disk = stores.open({ file = function(_, name) return arg[1] .. "/" .. name end }, { durability = "group" })
      local catalogue = assert(disk:catalogue(stores.me))
      io.write "begun\n" io.flush()
      local state, seen, before
      repeat
        runtime.sleep(0)
        before, state, seen = seen, catalogue:state()
        if state == "rebuilding" and seen ~= before then io.write("seen ", seen, "\n") io.flush() end
      until state == "ready"
      print "seen all: ready"
      runtime.sleep(3600)
    ]])
    for _, moment in ipairs { "begun", "%l+ ?%d*", "seen", "ready" } do -- where it is quick, it is ready before it was seen
      local child <close> = process.start { script, folder.path }
      child:expect(moment)
      child:kill "KILL"
      child:wait()
    end
    local disk <close> = stores.open(folder, OWNER)
    local catalogue <close> = catalogues.open(disk)
    assert.equal(1500, #catalogues.names(catalogue))
    assert.equal(1500, catalogues.seen(catalogue))
    assert.same({}, stores.drafts(folder))
  end)
end)

-- Nodes ----------------------------------------------------------------------------------------------------------------

local function keys_of(node)
  local keys = {}
  for item in node:keys() do keys[#keys + 1] = item.key end
  return table.concat(keys, " ")
end

local WHY = "the catalogue cannot be used, so that lists go through all objects: "

describe("a node whose catalogue", function()
  it("has no room lists its objects from their files, and says so once", function()
    local disk <close> = small_disk.mount(4 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a", durability = "group" })
    for _, key in ipairs { "b", "c", "a" } do assert(a:store(key, "content")) end
    disk:fill()
    assert.equal("a b c", keys_of(a))
    net.lines = {}
    a = net:restart "a"
    for _ = 1, 3 do assert.equal("a b c", keys_of(a)) end
    assert.same({ { owner = a:namespace().id, objects = 3, deleted = 0, bytes = 21 } }, a:usage())
    local told = 0
    for _, line in ipairs(net.lines) do told = told + (line:find(WHY, 1, true) and 1 or 0) end
    assert.equal(1, told)
    assert(a:delete "b")
    assert.equal("a c", keys_of(a))
    disk:empty()
    a = net:restart "a"
    assert(a:store("d", "content"))
    assert.equal("a c d", keys_of(a))
    net:stop "a"
  end)

  it("cannot be written lists its objects from their files", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, key in ipairs { "b", "c", "a" } do assert(a:store(key, "content")) end
    net:stop "a"
    local path = a.root .. "/catalogue"
    os.remove(path)
    assert(lfs.mkdir(path))
    a = net:restart "a"
    assert.equal("a b c", keys_of(a))
    assert(a:store("d", "content", { etag = "of-d" }))
    assert.equal("a b c d", keys_of(a))
    assert.equal("of-d", a:keys "d"().etag)
    assert.truthy(net:logged(WHY))
    net:stop "a"
    assert(lfs.rmdir(path))
    assert.equal("a b c d", keys_of(net:restart "a"))
  end)

  it("is locked by another program makes another", function()
    local net <close> = nodes.net()
    local a = net:start("a", { durability = "group" })
    for _, key in ipairs { "b", "c", "a" } do assert(a:store(key, "content")) end
    assert.equal("a b c", keys_of(a)) -- by which time there is one
    net:stop "a"
    local child <close> = process.start {
      program = "perl", "-e",
      'use Fcntl; open F, "+<", $ARGV[0] or die; my $l = pack("s s x4 q q i", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $l) or die "$!"; '
        .. '$| = 1; print "locked\n"; sleep 3600',
      a.root .. "/catalogue",
    }
    child:expect "locked"
    a = net:restart "a"
    assert.equal("a b c", keys_of(a))
    assert(a:store("d", "content", { etag = "of-d" }))
    assert.equal("a b c d", keys_of(a))
    assert.equal("of-d", a:keys "d"().etag)
  end)
end)
