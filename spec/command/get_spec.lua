local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

---Calls fn(house, run) with a node "a" that serves and has objects of these keys. run(...) works in the house's folder.
local function serving(keys, fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  for _, key in ipairs(keys) do house:feed("content of " .. key, "a", "put", "-", "-k", key) end
  fn(house, function(...) return house:within("a", ...) end)
end

local function link(house, to, name)
  assert(os.execute(("ln -s %s %s"):format(temp.quote(to), temp.quote(house.folder:file(name)))))
end

-- The shell's complaint was given to a function as more arguments than it takes: a traceback, and nothing of what was asked for next.
describe("filo get, below a folder that cannot be made,", function()
  it("says so, and gets the others", function()
    serving({ "d/a", "d/b", "e" }, function(house, run)
      house.folder:write("file", "here before")
      local result = run("get", "d/a", "e", "-d", "file")
      assert.equal(1, result.status)
      assert.equal("filo get: cannot make the folder file: Not a directory\nfilo get: cannot make the folder file: Not a directory\n"
        .. "filo get: 2 of 2 failed\n", result.err)
      assert.matches("cannot make the folder file/x: Not a directory\n$", run("get", "d/a", "-d", "file/x").err)
      assert.matches("cannot make the folder /proc/none: ", run("get", "d/a", "-d", "/proc/none").err)
      house.folder:write("d", "a file where a folder is wanted")
      result = run("get", "d/a", "e", "d/b")
      assert.same({ 1, "./e  12 B\n" }, { result.status, result.out })
      assert.matches("filo get: ./d is there already, and is no folder: -f replaces it\n", result.err, 1, true)
      assert.matches("filo get: 2 of 3 failed\n$", result.err)
      assert.equal("content of e", house.folder:read "e")
    end)
  end)
end)

-- A link in the folder was followed, to wherever it led.
describe("filo get --directory", function()
  it("follows no symbolic link below the folder, and one that names it", function()
    serving({ "d/a", "b" }, function(house, run)
      os.execute(("mkdir %s %s"):format(temp.quote(house.folder:file "out"), temp.quote(house.folder:file "elsewhere")))
      house.folder:write("precious", "precious")
      link(house, house.folder:file "elsewhere", "out/d")
      link(house, house.folder:file "precious", "out/b")
      local result = run("get", "-f", "d/a", "b", "-d", "out")
      assert.equal(1, result.status)
      assert.matches("out/d goes through a symbolic link below out, and none is followed there", result.err, 1, true)
      assert.matches("out/b is a symbolic link, and none is followed in out", result.err, 1, true)
      assert.is_false(nodes.exists(house.folder:file "elsewhere/a"))
      assert.equal("precious", house.folder:read "precious")
      link(house, house.folder:file "elsewhere", "named")
      assert.equal(0, run("get", "d/a", "-d", "named/deep/er").status)
      assert.equal("content of d/a", house.folder:read "elsewhere/deep/er/d/a")
    end)
  end)
end)

describe("filo get --output", function()
  it("says that it names a folder", function()
    serving({ "d/a" }, function(house, run)
      os.execute(("mkdir %s"):format(temp.quote(house.folder:file "folder")))
      for _, force in ipairs { "-q", "-f" } do
        local result = run("get", "d/a", "-o", "folder", force)
        assert.equal(1, result.status)
        assert.equal("filo get: folder is a folder: name a file with --output, or use --directory\n", result.err)
      end
      local result = run("get", "d/a", "-o", "none/x")
      assert.equal(1, result.status)
      assert.matches("cannot write none/x: No such file or directory\n$", result.err)
    end)
  end)
end)
