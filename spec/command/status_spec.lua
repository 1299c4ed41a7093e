-- The exit status tells what has failed: 3 is for objects only. A file, a folder and a topic of help that are not there gave it, too.

local commands = require "spec.support.commands"
local filo = require "filo"
local json = require "filo.dkjson"
local lfs = require "lfs"

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
    check("nothing here is named 'zz'", "get", "-r", "zz")
    child:kill "TERM"
    child:wait()
    check("'zz' is not here", "verify", "zz")
  end)
end)

-- What is stored for whom was nowhere to be seen, nor which process runs a node.
describe("filo status", function()
  it("tells the rest when what is stored cannot be counted", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    os.remove(house:root "a" .. "/catalogue")
    assert(lfs.mkdir(house:root "a" .. "/catalogue"))
    house:serve "a"
    house:feed("12345", "a", "put", "-", "-k", "k") -- the catalogue was tried by then
    local result = house:run("a", "status")
    assert.same({ 0, "" }, { result.status, result.err })
    assert.matches("\nlistens .*\nstores    not known: the catalogue cannot be used", result.out)
    assert.matches("^k\n$", house:run("a", "ls").out)
  end)

  it("tells the process, the version, and what is stored for whom", function()
    local house <close> = commands.house()
    local a, token, id = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve "b"
    a:expect "is connected"
    house:feed("12345", "a", "put", "-", "-k", "k")
    house:feed("123", "b", "put", "-", "-k", "k")
    house:feed("1234", "b", "put", "-", "-k", "gone")
    house:run("b", "rm", "gone")
    local status = json.decode(house:run("a", "status", "--json").out, 1, nil, nil)
    local other = json.decode(house:run("b", "status", "--json").out, 1, nil, nil).namespace
    assert.equal(id, status.id)
    assert.not_equal(id, status.namespace)
    assert.same({ tonumber(a.pid), filo.VERSION, true }, { status.pid, status.version, status.counted })
    assert.same({
      { owner = status.namespace, objects = 1, deleted = 0, bytes = 5 },
      { owner = other, objects = 1, deleted = 1, bytes = 3, counted = 4099 },
    }, status.stored)
    local told = house:run("a", "status").out
    assert.matches(("\nversion   %s\nprocess   %d\n"):format(filo.VERSION, a.pid), told, 1, true)
    assert.matches(("\nstores    its own: 1 object, 5 B\nstores    for %s: 1 object, 3 B, and 1 deletion\n"):format(other:sub(1, 16)),
      told, 1, true)
  end)

  it("tells to how many bytes a second the node keeps, and what flows, as of the last reload", function()
    local house <close> = commands.house()
    house:first "a"
    local function bound(rates)
      local text = house:read("a", "node.lua"):gsub(" rates = {.-},", "")
      house:write("a", "node.lua", (text:gsub("%f[%w]return {", "%0 rates = " .. rates .. ",", 1)))
      assert.equal(0, house:run("a", "reload").status)
    end
    assert.matches("\nrates     up 0 B/s, down 0 B/s\n", house:run("a", "status").out)
    bound "{ up = \"100 KiB\", down = 5000 }"
    assert.matches("\nrates     up 0 B/s of 100.0 KiB/s, down 0 B/s of 4.9 KiB/s\n", house:run("a", "status").out)
    bound "{ down = \"1 MB\" }"
    assert.same({ up = 0, down = 0, most_down = 1000000 }, json.decode(house:run("a", "status", "--json").out, 1, nil, nil).rates)
  end)
end)
