-- A saved file was first written as path .. ".filo-new", whatever lay there: two saves to one path mixed their bytes, a symbolic link
-- led to another file, a named pipe stopped the node, and a save that was given up left half a file.

local filo = require "filo"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
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
      seen = seen or #stores.list(folder.path) > 1
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
