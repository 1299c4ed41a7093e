-- The folder of a disk that was not mounted, which is empty, became a new root, as if all had been deleted.

local filo = require "filo"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local store = require "filo.core.store"
local temp = require "spec.support.temp"

---A node whose identity lies elsewhere than its root, and which has stored something.
local function with_identity_elsewhere(net)
  local options = { identity = net.folder:file "identity" }
  assert(net:start("a", options):store("key", "content"))
  net:stop "a"
  return options
end

local function names(path)
  local list = {}
  for name in lfs.dir(path) do
    if name:sub(1, 1) ~= "." then list[#list + 1] = name end
  end
  return list
end

describe("a root that is not there", function()
  for _, case in ipairs { "empty", "absent", "new file system" } do
    it("is not made for an identity that is: " .. case, function()
      local net <close> = nodes.net()
      local options = with_identity_elsewhere(net)
      local root = net.folder:file "a"
      assert(os.rename(root, net.folder:file "unplugged"))
      if case ~= "absent" then assert(lfs.mkdir(root)) end
      if case == "new file system" then assert(lfs.mkdir(root .. "/lost+found")) end
      local node, err = net:try("a", options)
      assert.is_nil(node)
      assert.equal("denied", err.code)
      assert.equal(("the identity %s is there, but its root %s is empty: mount the disk that the root is on; or, to start with nothing "
        .. "there, give the option create = true"):format(options.identity, root), tostring(err))
      if case == "absent" then
        assert.is_nil(lfs.attributes(root))
      else
        assert.same(case == "empty" and {} or { "lost+found" }, names(root))
        os.execute("rm -r -- " .. temp.quote(root))
      end
      assert(os.rename(net.folder:file "unplugged", root))
      assert.equal("content", nodes.content(net:start("a", options), "key"))
    end)
  end

  it("is made when the script says so", function()
    local net <close> = nodes.net()
    local options = with_identity_elsewhere(net)
    options.create = true
    local id = net:start("b", options).id
    net:stop "b"
    options.create = nil
    assert.equal(id, net:start("b", options).id)
  end)

  it("is made with a new identity, and of an identity that lies in it, with nothing to say", function()
    local net <close> = nodes.net()
    local a = net:start("a", { root = net.folder:file "deep/er/a" })
    assert.is_truthy(net:logged(("^a warning: a new node, %s: keep a copy of .*/deep/er/a/identity, "):format(a.id)))
    net:stop "a"
    assert(lfs.mkdir(net.folder:file "b"))
    os.execute(("cp -p %s/identity %s/identity"):format(temp.quote(a.root), temp.quote(net.folder:file "b")))
    assert.equal(a.id, net:start("b").id)
    assert.is_nil(net:logged "^b ")
  end)
end)

describe("an identity that is not there", function()
  it("is not made anew for a root that is", function()
    local net <close> = nodes.net()
    for _, where in ipairs { "a/identity", "elsewhere" } do
      local options = { identity = where == "elsewhere" and net.folder:file(where) or nil }
      local a = net:start("a", options)
      assert(a:store("key", "content"))
      net:stop "a"
      local file = net.folder:file(where)
      assert(os.rename(file, file .. ".lost"))
      local node, err = net:try("a", options)
      assert.is_nil(node)
      assert.equal("denied", err.code)
      assert.equal(("%s is the root of a node whose identity %s is not there: restore that file from a copy"):format(
        net.folder:file "a", file), tostring(err))
      assert.is_nil(filo.crypto.identity_load(file))
      assert(os.rename(file .. ".lost", file))
      assert.equal("content", nodes.content(net:start("a", options), "key"))
      net:stop "a"
      os.execute("rm -r -- " .. temp.quote(net.folder:file "a"))
    end
  end)
end)

-- A first start that was killed when the identity was made, and the root was not, was told of a disk that is not mounted.
describe("a first start that was killed half-way", function()
  it("is gone on with, also when the identity lies elsewhere", function()
    local net <close> = nodes.net()
    local file = net.folder:file "identity"
    assert(store.prepare(net.folder:file "a"))
    local identity <close> = assert(filo.crypto.identity_generate())
    assert(identity:save(file))
    assert.equal(identity:id(), net:start("a", { identity = file }).id)
  end)
end)

-- A root in which others could put an identity of theirs was used without a word.
describe("a root", function()
  local function refused(change)
    local folder <close> = temp.folder()
    local root = folder:file "root"
    assert(filo.node { root = root, log = function() end }):close()
    assert(os.execute(change:format(temp.quote(root))))
    local node, err = filo.node { root = root, log = function() end }
    assert.is_nil(node)
    assert.equal("denied", err.code)
    local reader <close> = assert(filo.node { root = root, readonly = true, log = function() end }) -- which changes nothing there
    assert.equal(root, reader.root)
    return (tostring(err):gsub(root, "ROOT", nil))
  end

  it("is not used when others can write to it", function()
    for _, mode in ipairs { "o+w", "g+w", "1777" } do
      assert.equal("ROOT can be written by other users: run chmod go-w ROOT", refused("chmod " .. mode .. " %s"))
    end
  end)

  it("is not used when it belongs to somebody else", function()
    local pipe <close> = assert(io.popen "id -u")
    if pipe:read "n" == 0 then
      assert.equal("ROOT belongs to the user nobody, and this runs as the user root: run it as nobody, or take that over with chown",
        refused "chown 65534 %s")
    else -- what belongs to root cannot be written to, and is safe
      local node, err = filo.node { root = "/", log = function() end }
      assert.is_nil(node)
      assert.not_matches("belongs to", tostring(err))
    end
  end)
end)
