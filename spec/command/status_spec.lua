-- The exit status tells what has failed: 3 is for objects only. A file, a folder and a topic of help that are not there gave it, too.

local commands = require "spec.support.commands"

describe("the exit status of a command", function()
  local function status(house, ...) return house:within("a", ...).status end

  it("is 1 where a file or a folder is missing", function()
    local house <close> = commands.house()
    house.folder:write("photo.jpg", "no folder")
    assert.equal(1, status(house, "init", "--root", "photo.jpg/x"))
    assert.equal(1, status(house, "init", "--root", "/proc/x"))
    assert.equal(1, status(house, "get", "k", "--root", "none"))
    assert.equal(1, status(house, "help", "nocmd"))
    assert.equal(1, status(house, "help", "./none.lua"))
    house:first "a"
    house:feed("content", "a", "put", "-", "-k", "k")
    assert.equal(1, status(house, "get", "k", "-o", "none/x"))
    assert.equal(1, status(house, "get", "k", "-d", "photo.jpg/x"))
    assert.equal(1, status(house, "put", "none"))
  end)

  it("is 3 where an object is, and the message has its key and no path of Filo's", function()
    local house <close> = commands.house()
    local child = house:first "a"
    local function check(message, ...)
      local result = house:run("a", ...)
      assert.same({ 3, ("filo %s: %s\n"):format((...), message) }, { result.status, result.err })
    end
    local nowhere = "'zz' is not here, and no peers are connected to ask"
    check(nowhere, "get", "zz")
    check(nowhere, "stat", "zz")
    check(nowhere, "why", "zz")
    check(nowhere, "rm", "zz")
    check("'zz' is not here", "rm", "--here", "zz")
    check("'zz' is not here", "verify", "zz")
    check("no key here starts with 'zz'", "get", "-r", "zz")
    child:kill "TERM"
    child:wait()
    check("'zz' is not here", "verify", "zz")
  end)
end)
