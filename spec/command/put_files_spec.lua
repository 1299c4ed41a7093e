---Which files `filo put` takes, and what it says of others.

local commands = require "spec.support.commands"
local mortal = require "spec.support.mortal"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

-- What was named to `filo put` and was no file (a link that leads nowhere, a socket) was passed over without a word; and names that
-- find(1) takes for its own, such as "!", ended the command with a traceback.

local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  assert(os.execute(("ln -s nowhere %s"):format(temp.quote(house.folder:file "link"))))
  fn(house, function(...)
    return house:run("a", ...)
  end)
end

describe("filo put", function()
  it("says what it does not store", function()
    serving(function(house, run)
      local result = run("put", house.folder:file "link")
      assert.equal(1, result.status)
      assert.matches("link is no file: .*nothing is there", result.err)
    end)
  end)

  it("names what it passes over in a folder, and exits with 1", function()
    serving(function(house, run)
      assert(os.execute(("cd %s && mkdir -p d/e && mkfifo d/e/pipe && echo content > d/file"):format(temp.quote(house.folder.path))))
      local result = run("put", "-r", house.folder:file "d")
      assert.equal(1, result.status)
      assert.matches("d/e/pipe is no file: it is a pipe\n", result.err)
      assert.matches("d/file", result.out)
      assert.equal(0, run("put", "-r", "--exclude", "pipe", house.folder:file "d").status)
    end)
  end)

  it("takes any name for a name", function()
    serving(function(house, run)
      for _, name in ipairs { "!", "(", ")", ",", "-", "-n", "=" } do
        house.folder:write(name, "content")
        local below = name == "-" and "./-" or name
        local result = house:within("a", "put", "--", below)
        assert.same({ 0, "" }, { result.status, result.err })
        result = house:within("a", "get", "--", name)
        assert.matches("is there already", result.err)
      end
      assert.equal(0, run("status").status)
    end)
  end)

  it("gives a file below a folder that ends with slashes a key that can be a name", function()
    serving(function(house, run)
      assert(os.execute(("cd %s && mkdir -p d/e && echo content > d/e/file"):format(temp.quote(house.folder.path))))
      assert.equal(0, house:within("a", "put", "-r", "d//", ".//./d").status)
      local keys = {}
      for key in run("ls").out:gmatch "[^\n]+" do keys[#keys + 1] = key end
      table.sort(keys)
      assert.same({ "d/", "d/e/", "d/e/file" }, keys)
    end)
  end)
end)

-- One folder that could not be listed kept `filo put -r` from storing anything.
describe("filo put -r", function()
  it("stores what it can list, and says what it cannot", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    assert(os.execute(("mkdir -p '%s/d/closed' '%s/d/blind'"):format(house.folder.path, house.folder.path)))
    house.folder:write("d/file", "content")
    house.folder:write("d/closed/file", "content")
    house.folder:write("d/blind/file", "content")
    assert(os.execute(("cd '%s/d' && chmod 000 closed && chmod 400 blind"):format(house.folder.path)))
    local function put(...)
      local result = process.run(mortal { "put", "-r", "d", cwd = house.folder.path, env = { FILO_ROOT = house:root "a" }, ... })
      return { result.status, result.err }
    end
    assert.same({ 1, "filo put: cannot read d/blind/file: Permission denied\n"
      .. "filo put: cannot list the folder d/closed: Permission denied\nfilo put: 2 of 6 failed\n" }, put())
    assert.equal("d/file\n", house:run("a", "ls", "d/f*").out)
    assert.same({ 0, "" }, put("--exclude", "closed", "--exclude", "blind"))
  end)
end)

-- `filo put -r` of a folder with the node's own root in it, such as one's home, stored the identity, the secret and the sealed objects in
-- it, too: twice as many at each run.
describe("filo put -r", function()
  it("leaves out the root of the node itself", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    house.folder:write("file", "content")
    assert(os.execute(("ln -s a '%s/link'"):format(house.folder.path)))
    assert(os.execute(("mkdir '%s/z'"):format(house.folder.path)))
    house.folder:write("z/last", "content")
    assert.equal(0, house:within("a", "put", "-r", ".").status)
    local listed = {}
    for key in house:run("a", "ls").out:gmatch "[^\n]+" do listed[#listed + 1] = key end
    table.sort(listed)
    assert.same({ "file", "link", "z/", "z/last" }, listed)
    local result = house:within("link", "put", "-r", "a")
    assert.equal(1, result.status)
    assert.matches("a is the root of the node itself", result.err)
  end)
end)

-- The first bad name on the command line kept all of them from being stored.
describe("filo put of several names", function()
  it("stores those that it can, and names each that it cannot", function()
    serving(function(house, run)
      house.folder:write("one", "content")
      house.folder:write("two", "content")
      assert(os.execute(("mkdir %s"):format(temp.quote(house.folder:file "d"))))
      local result = house:within("a", "put", "none", "one", "link", "two", "nor this")
      assert.equal(1, result.status)
      assert.matches("\nstored 2, 14 B; 0 unchanged; 3 failed\n$", result.out)
      assert.equal("one\ntwo\n", run("ls").out)
      assert.equal("filo put: cannot read none: No such file or directory\n"
        .. "filo put: link is no file: it is a symbolic link, and nothing is there\n"
        .. "filo put: cannot read nor this: No such file or directory\nfilo put: 3 of 5 failed\n", result.err)
      result = house:within("a", "put", "one", "d", "a", "-r", "nothing")
      assert.equal(1, result.status)
      assert.equal("filo put: a is the root of the node itself\nfilo put: cannot read nothing: No such file or directory\n"
        .. "filo put: 2 of 4 failed\n", result.err)
      assert.equal("d/\none\ntwo\n", run("ls").out)
      result = house:within("a", "put", "d", "one") -- 2 says that nothing was done
      assert.same({ 1, "one  7 B  1 copy, unchanged\nstored 0, 0 B; 1 unchanged; 1 failed\n" }, { result.status, result.out })
    end)
  end)
end)
