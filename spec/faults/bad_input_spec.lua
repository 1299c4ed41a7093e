---What a user may get wrong, and what may be wrong with his disk: each is an error that says what to do, and nothing is lost.

local filo = require "filo"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local small_disk = require "spec.support.disk"
local temp = require "spec.support.temp"

---Checks that a node does not start; gives the message.
local function refused(net, name, options, code)
  local node, err = net:try(name, options)
  assert.is_nil(node)
  assert.equal(code, err.code)
  return tostring(err)
end

local function run(...) assert.is_true((os.execute((...):format(select(2, ...))))) end

describe("a node does not start", function()
  it("with an unknown option, or one that makes no sense", function()
    local root = "/nowhere"
    for options, message in pairs {
      [{ root = root, lisen = ":1" }] = "unknown option 'lisen'; did you mean 'listen'?",
      [{ root = root, durabillity = "none" }] = "unknown option 'durabillity'; did you mean 'durability'?",
      [{ root = root, Root = root }] = "unknown option 'Root'; did you mean 'root'?",
      [{ listen = ":1" }] = "option 'root' is missing",
      [{ root = 5 }] = "option 'root' must be a string, not a number",
      [{ root = root, durability = "fast" }] = "option 'durability' must be full, group or none",
      [{ root = root, cluster = "short" }] = "option 'cluster' must have at least 8 bytes",
      [{ root = root, reserve = -1 }] = "option 'reserve' must be bytes, 0 or more",
      [{ root = root, peers = { "b" } }] = "option 'peers' must list node IDs of 64 hex digits, not 'b'",
    } do
      raises("bad_input_spec.lua:%d+: filo.node: " .. message:gsub("%p", "%%%0"), function() return (filo.node(options)) end)
    end
  end)

  it("at a port that is in use, or an address that is none; its root is free afterwards", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local port = a.address:match ":(%d+)$"
    for address, message in pairs {
      [a.address] = ("port %s is in use (%s): choose another, or 0 for one that is free"):format(port, a.address),
      ["nonsense"] = "has no port: write host:port, such as 127.0.0.1:3000 or [::1]:3000",
      ["127.0.0.1:99999"] = "is no port: write a number from 0 to 65535",
      ["192.0.2.1:80"] = "it is no address of this machine",
    } do
      local node, err = net:try("b", { listen = address })
      assert.is_nil(node)
      assert.matches("^cannot listen at " .. address:gsub("%p", "%%%0"), tostring(err))
      assert.is_truthy(tostring(err):find(message, 1, true), tostring(err))
    end
    net:start "b"
  end)

  it("on the root of another node, or without its marker", function()
    local net <close> = nodes.net()
    local a, b = net:start "a", net:start "b"
    assert(a:store("key", "content"))
    net:stop "a"
    net:stop "b"
    local message = refused(net, "a", { identity = b.root .. "/identity" }, "denied")
    assert.equal(("the root %s belongs to node %s, not to %s: use that node's identity, or choose another root"):format(a.root, a.id, b.id),
      message)
    local marker = a.root .. "/filo-root"
    assert(os.rename(marker, marker .. ".away"))
    assert.matches("no marker filo%-root: if its disk is mounted .- restore the marker", refused(net, "a", {}, "denied"))
    assert(os.rename(marker .. ".away", marker))
    assert.equal("content", nodes.content(net:start "a", "key"))
  end)

  it("on a root that is locked: it is said by whom", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert.matches("is open in this process already: close that node first$", refused(net, "b", { root = a.root }, "locked"))
    local code = ("local n = assert(require 'filo'.node { root = %q, log = print }) io.stdout:flush() n:wait()"):format(net.folder:file "c")
    local child <close> = process.start { "-e", code }
    child:expect "a new node"
    nodes.wait(function() return nodes.exists(net.folder:file "c/objects/." ) end, "root")
    assert.matches(("in use by process %s: stop it, or choose another root$"):format(child.pid), refused(net, "c", {}, "locked"))
  end)

  it("with an identity that others may read, or that is none", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    net:stop "a"
    local file = a.root .. "/identity"
    for _, mode in ipairs { "644", "640", "604", "620" } do
      run("chmod %s %s", mode, temp.quote(file))
      assert.equal(("others may read the identity %s: run chmod 600 %s"):format(file, file), refused(net, "a", {}, "denied"))
    end
    run("chmod 600 %s && cp -p %s %s", temp.quote(file), temp.quote(file), temp.quote(file .. ".good"))
    net.folder:write("a/identity", "no identity")
    assert.equal(file .. " is no identity: restore it from a copy", refused(net, "a", {}, "corrupt"))
    assert(os.remove(file))
    assert(lfs.mkdir(file))
    assert.equal(("the identity %s is no regular file: restore it from a copy"):format(file), refused(net, "a", {}, "corrupt"))
    assert(lfs.rmdir(file))
    assert(os.rename(file .. ".good", file))
    assert.equal(a.id, net:start("a").id)
  end)

  it("where no folder can be made", function()
    local net <close> = nodes.net()
    assert.matches("^cannot make the root /proc/no/such: ", refused(net, "a", { root = "/proc/no/such" }, "not_found"))
    net.folder:write("file", "")
    assert.matches("/file is not a folder$", refused(net, "a", { root = net.folder:file "file" }, "denied"))
    assert.matches("/file/below: Not a directory$", refused(net, "a", { root = net.folder:file "file/below" }, "not_found"))
  end)

  it("on a disk that is read-only", function()
    local disk <close> = small_disk.mount(4 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a" })
    assert(a:store("key", "content"))
    net:stop "a"
    disk:make_read_only()
    assert.matches("/a/lock: Read%-only file system$", refused(net, "a", { root = disk:file "a" }, "denied"))
    assert.matches("^cannot make the root .-/b: Read%-only file system$", refused(net, "b", { root = disk:file "b" }, "denied"))
    run("mount -o remount,rw %s", temp.quote(disk.path))
    assert.equal("content", nodes.content(net:start("a", { root = disk:file "a" }), "key"))
    net:stop "a"
  end)
end)

describe("a script", function()
  it("that is not there, or has a syntax error, is named with its line; status 1", function()
    local folder <close> = temp.folder()
    local result = process.run { folder:file "no.lua" }
    assert.equal(1, result.status)
    assert.matches("^filo: cannot open .-/no.lua", result.err)
    local script = folder:write("wrong.lua", "local x = 1\nlocal y = = 2\n")
    result = process.run { script }
    assert.equal(1, result.status)
    assert.equal(("filo: %s:2: unexpected symbol near '='\n"):format(script), result.err)
  end)
end)

describe("a cluster secret that is wrong", function()
  it("is told at both ends", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local b = net:start("b", { cluster = "another secret" })
    local peer, err = b:connect(a.address)
    assert.is_nil(peer)
    assert.equal("denied", err.code)
    assert.matches("^cannot connect to " .. a.address:gsub("%p", "%%%0") .. ": .*cluster secret", tostring(err))
    net:expect "^a info: .*cluster secret"
    assert.same({}, a:peers())
  end)
end)

-- A second node opened a root in use when the file `lock` had been removed.
describe("a root in use", function()
  it("is refused to a second node, though its lock file was removed", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    assert(os.remove(a.root .. "/lock"))
    local second, err = net:try("second", { root = a.root })
    assert.is_nil(second)
    assert.equal("locked", err.code)
    assert.matches("is in use by another process", tostring(err))
    a:close()
    local again <close> = assert(filo.node { root = a.root, reserve = 0, log = function() end })
    assert.is_truthy(again:stat "key")
  end)
end)
