-- A saved file was first written as path .. ".filo-new", whatever lay there: two saves to one path mixed their bytes, a symbolic link
-- led to another file, a named pipe stopped the node, and a save that was given up left half a file.

local deaf_disk = require "spec.support.deaf"
local descriptors = require "spec.support.descriptors"
local filo = require "filo"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SIZE = 8 << 20
local SECONDS = 20

---A node that has stored objects "a" and "b".
local function start(net)
  local a = net:start "a"
  for _, key in ipairs { "a", "b" } do assert(a:store(key, key:rep(SIZE))) end
  return a
end

local function save(node, key, path)
  local object <close> = assert(node:get(key))
  return object:save(path)
end

---Whether something in a folder is being written.
local function is_open(folder)
  for _, target in pairs(descriptors()) do
    if target:find(folder.path, 1, true) then return true end
  end
  return false
end

describe("a save", function()
  it("has nothing to do with another to the same path", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local node = start(net)
    for _ = 1, 3 do
      filo.all {
        function() assert(save(node, "a", folder:file "saved")) end,
        function() assert(save(node, "b", folder:file "saved")) end,
      }
      local saved = folder:read "saved"
      assert.is_true(saved == ("a"):rep(SIZE) or saved == ("b"):rep(SIZE))
    end
    assert.same({ "saved" }, stores.list(folder.path))
  end)

  it("touches nothing else that lies there", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local node = start(net)
    local victim = folder:write("victim", "kept")
    assert(lfs.link(victim, folder:file "saved.filo-new", true))
    assert(save(node, "a", folder:file "saved"))
    assert.is_true("kept" == folder:read "victim")
    os.execute("mkfifo " .. temp.quote(folder:file "other.filo-new"))
    assert.is_true(filo.timeout(SECONDS, save, node, "a", folder:file "other"))
    assert.same({ "other", "other.filo-new", "saved", "saved.filo-new", "victim" }, stores.list(folder.path))
  end)

  it("that is given up leaves what was there", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local node = start(net)
    folder:write("saved", "old")
    local seen = false
    for turns = 0, 200 do
      local saving = filo.spawn(save, node, "a", folder:file "saved"):observe()
      for _ = 1, turns do filo.sleep(0.0001) end
      seen = seen or is_open(folder)
      if saving:status() == "ended" then break end
      saving:cancel()
      pcall(saving.join, saving)
    end
    assert.is_true(seen)
    net:stop "a" -- which waits for what works on its disk
    assert.same({ "saved" }, stores.list(folder.path))
  end)

  it("replaces the file that a symbolic link names, not the link", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local node = start(net)
    assert(lfs.link(folder:write("file", "old"), folder:file "link", true))
    assert(save(node, "a", folder:file "link"))
    assert.is_true(("a"):rep(SIZE) == folder:read "file")
    assert.equal("link", lfs.symlinkattributes(folder:file "link", "mode"))
  end)
end)

-- Half of the content in the clear, in a file called `.filo-` and some digits, was left beside the target.
describe("a save that is killed", function()
  local SAVE = [[
    local filo = require "filo"
    local node <close> = assert(filo.node { root = arg[1], log = function() end, durability = "none" })
    assert(node:store("a", ("a"):rep(32 << 20)))
    while true do
      local object <close> = assert(node:get "a")
      print "saves"
      io.stdout:flush()
      assert(object:save(arg[2]))
    end
  ]]

  it("leaves nothing but what was there, or the whole", function()
    local folder <close> = temp.folder()
    local target <close> = temp.folder()
    local script = folder:write("script.lua", SAVE)
    for round = 1, 4 do
      local child <close> = process.start { script, folder:file("root" .. round), target:file "saved" }
      child:expect(("saves\n"):rep(round))
      child:kill "KILL"
      child:wait()
      local names = stores.list(target.path)
      assert.is_true(#names == 0 or #names == 1 and names[1] == "saved", table.concat(names, " "))
      assert.is_true(#names == 0 or target:read "saved" == ("a"):rep(32 << 20))
    end
  end)
end)

describe("where a file must have a name", function()
  it("a save and an identity are written all the same, and leave nothing else", function()
    local folder <close> = temp.folder()
    assert(lfs.mkdir(folder:file "target"))
    folder:write("target/there", "old")
    assert.equal("saved\n", deaf_disk.run(folder, "tmpfile", [[
      local filo = require "filo"
      local node <close> = assert(filo.node { root = arg[1], log = function() end })
      assert(node:store("a", "content"))
      for _, name in ipairs { "there", "new" } do
        local object <close> = assert(node:get "a")
        assert(object:save(arg[2] .. "/" .. name))
      end
      node:usage() -- its catalogue is there then
      print "saved"
    ]], folder:file "root", folder:file "target"))
    assert.same({ "new", "there" }, stores.list(folder:file "target"))
    for _, name in ipairs { "new", "there" } do assert.equal("content", folder:read("target/" .. name)) end
    assert.same({ "apply", "bad", "catalogue", "filo-root", "identity", "lock", "objects", "roster", "tmp", "trash", "versions" },
      stores.list(folder:file "root"))
  end)
end)
