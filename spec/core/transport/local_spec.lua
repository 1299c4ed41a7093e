local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local temp = require "spec.support.temp"

local function mode(path)
  local pipe <close> = io.popen("stat -c %a " .. temp.quote(path))
  return pipe:read "l"
end

local function exists(path) return os.execute("test -e " .. temp.quote(path)) == true end

---Calls fn(far, near) with both ends of a raw connection through a Unix socket.
local function pair(fn)
  local folder <close> = temp.folder()
  local listener <close> = assert(filo.listen("unix:" .. folder:file "socket"))
  local far <close> = assert(filo.dial("unix:" .. folder:file "socket"))
  local near <close> = assert(listener:accept())
  fn(far, near, folder)
end

describe("a Unix socket", function()
  it("carries bytes between processes of one user", function()
    pair(function(far, near, folder)
      assert.equal("600", mode(folder:file "socket"))
      far:write "hello\n"
      assert.equal("hello", near:read("l", 10))
      local writer = filo.spawn(function() return near:write(("x"):rep(1 << 20)) end)
      local bytes = 0
      while bytes < 1 << 20 do bytes = bytes + #assert(far:read(1 << 20, 10)) end
      assert.is_true(writer:join(10))
      assert.matches("^process %d+$", near:remote())
      far:close()
      refused("closed", near:read(1, 10))
    end)
  end)

  it("goes away with its listener, but not when another has taken its place", function()
    local folder <close> = temp.folder()
    local path = folder:file "socket"
    local listener = assert(filo.listen("unix:" .. path))
    assert.equal(path, listener:address())
    listener:close()
    assert.is_false(exists(path))
    listener = assert(filo.listen("unix:" .. path))
    os.remove(path)
    local other <close> = assert(filo.listen("unix:" .. path))
    listener:close()
    assert.is_truthy(other and exists(path))
  end)

  it("that a killed process left is replaced", function()
    local folder <close> = temp.folder()
    local path = folder:file "socket"
    local script = "local l = require 'filo'.listen 'unix:%s' print 'up' require 'filo'.sleep(60)"
    local child <close> = process.start { "-e", script:format(path) }
    child:expect "up"
    refused("exists", filo.listen("unix:" .. path))
    child:kill "KILL"
    child:wait()
    assert.is_true(exists(path))
    assert.matches("nobody listens at", refused("unreachable", filo.dial("unix:" .. path)))
    local listener <close> = assert(filo.listen("unix:" .. path))
    assert(filo.dial(listener and "unix:" .. path)):close()
  end)

  it("does not replace a file of another kind", function()
    local folder <close> = temp.folder()
    folder:write("socket", "mine")
    assert.matches("in use", refused("exists", filo.listen("unix:" .. folder:file "socket")))
    assert.equal("mine", folder:read "socket")
    refused("not_found", filo.dial("unix:" .. folder:file "none"))
    refused("not_found", filo.listen("unix:" .. folder:file "no/such"))
  end)

  it("may have a path that is longer than a socket address", function()
    local folder <close> = temp.folder()
    local long = folder:file(("a"):rep(200))
    assert(os.execute("mkdir " .. temp.quote(long)))
    local path = long .. "/socket"
    local listener <close> = assert(filo.listen("unix:" .. path))
    local far <close> = assert(filo.dial("unix:" .. path))
    local near <close> = assert(listener:accept())
    far:write "x"
    assert.equal("x", near:read(1, 10))
    listener:close()
    assert.is_false(exists(path))
    assert.matches("too long", refused("invalid", filo.listen("unix:" .. folder:file(("n"):rep(110)))))
  end)
end)

describe("an open file passed through a Unix socket", function()
  it("is stored by the process that takes it", function()
    pair(function(far, near, folder)
      local content = filo.crypto.random(3 << 20)
      folder:write("content", content)
      local file <close> = assert(io.open(folder:file "content", "rb"))
      far:write "before "
      assert(far:pass(file))
      far:write "after"
      assert.equal("before ", near:read(7, 10))
      local descriptor <close> = assert(near:take(10))
      assert.equal("after", near:read(5, 10))
      local node <close> = assert(filo.node { root = folder:file "root", durability = "none", reserve = 0, log = function() end })
      os.remove(folder:file "content") -- the open file is enough
      assert(node:store("key", filo.file("content", descriptor)))
      assert.is_true(content == assert(node:get "key"):read "a")
    end)
  end)

  it("may be a pipe", function()
    pair(function(far, near, folder)
      local pipe <close> = io.popen "head -c 300000 /dev/zero"
      assert(far:pass(pipe))
      local descriptor <close> = assert(near:take(10))
      local node <close> = assert(filo.node { root = folder:file "root", durability = "none", reserve = 0, log = function() end })
      assert(node:store("key", filo.file("a pipe", descriptor)))
      assert.equal(300000, node:stat("key").size)
    end)
  end)

  it("is not there when bytes come in its place, or in time", function()
    pair(function(far, near)
      refused("timeout", near:take(0.01))
      far:write "x"
      assert.matches("passed no file", refused("protocol", near:take(10)))
      assert.equal("x", near:read(1, 10))
      far:close()
      refused("closed", near:take(10))
    end)
  end)

  it("ends the connection when too many are not taken", function()
    pair(function(far, near)
      for _ = 1, 5 do far:pass(io.stdout) end
      nodes.wait(function() return not near:write "x" end, "end")
      for _ = 1, 4 do assert(near:take(10)):close() end
      assert.is_falsy((near:take(10)))
    end)
  end)

  it("does not go over TCP, and must be open", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    local far <close> = assert(filo.dial(listener:address()))
    local near <close> = assert(listener:accept())
    assert.matches("cannot pass a file", select(2, far:pass(io.stdout)).message)
    local file = assert(io.tmpfile())
    file:close()
    raises("an open file expected", function() near:pass(file) end)
    raises("FILE", function() near:pass "path" end)
  end)
end)
