local commands = require "spec.support.commands"
local filo = require "filo"
local json = require "filo.dkjson"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---Calls fn(house, run, write) with a node "a" that serves. run(command, ...) gives the process's result; paths are below house.folder.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  local function write(name, content) return house.folder:write(name, content) end
  fn(house, function(...) return house:run("a", ...) end, write)
end

local function ok(result)
  assert.same({ 0, "" }, { result.status, result.err })
  return result.out
end

local function exists(path) return nodes.exists(path) end

describe("filo put and get", function()
  it("store files and folders, and write them again", function()
    serving(function(house, run, write)
      local large = nodes.bytes(3 << 20)
      assert(os.execute(("mkdir -p %s"):format(temp.quote(house.folder:file "d/e"))))
      write("d/one", "first")
      write("d/e/two ü'", large)
      assert(os.execute(("find %s -exec touch -d 2020-01-01 {} +"):format(temp.quote(house.folder:file "d"))))
      local out = ok(run("put", "-r", house.folder:file "d"))
      assert.matches("d/one  5 B  1 copy\n", out)
      assert.matches("d/e/two ü'  3.0 MiB  1 copy\n", out, 1, true)
      out = ok(run("put", "-r", house.folder:file "d"))
      assert.equal(4, select(2, out:gsub(", unchanged\n", ""))) -- with the folders
      ok(run("get", "-r", house.folder:file "d", "-d", house.folder:file "out"))
      local below = "out" .. house.folder.path .. "/d/"
      assert.equal("first", house.folder:read(below .. "one"))
      assert.is_true(large == house.folder:read(below .. "e/two ü'"))
      write("d/one", "second!")
      assert.not_matches("unchanged", ok(run("put", house.folder:file "d/one")))
      assert.equal("second!", ok(run("get", house.folder:file "d/one", "-o", "-")))
    end)
  end)

  it("read standard input, under a key", function()
    serving(function(house, run)
      local out = house:feed("piped", "a", "put", "-", "--key", "k")
      assert.equal("k  5 B  1 copy\n", ok(out))
      assert.equal("piped", ok(run("get", "k", "-o", "-")))
      local result = house:feed("piped", "a", "put", "-")
      assert.equal(2, result.status)
      assert.matches("give it a %-%-key", result.err)
    end)
  end)

  it("replace no file unless they are told to", function()
    serving(function(house, run, write)
      house:feed("new", "a", "put", "-", "-k", "k")
      local path = write("there", "old")
      local result = run("get", "k", "-o", path)
      assert.equal(1, result.status)
      assert.matches("there is there already: %-f replaces it", result.err)
      assert.equal("old", house.folder:read "there")
      ok(run("get", "k", "-o", path, "-f"))
      assert.equal("new", house.folder:read "there")
    end)
  end)

  it("write nowhere outside of the folder", function()
    serving(function(house, run)
      for _, key in ipairs { "../up", "a/../../up", "/", "a//b", "." } do
        house:feed("x", "a", "put", "-", "-k", key)
        local result = run("get", key, "-d", house.folder:file "out")
        assert.equal(2, result.status)
        assert.matches("no name for a file", result.err)
      end
      assert.is_false(exists(house.folder:file "up"))
      assert.is_false(exists(house.folder:file "out"))
    end)
  end)

  it("go on with the others when one fails, and tell by the exit status", function()
    serving(function(house, run, write)
      write("good", "content")
      local result = run("get", "none", "k")
      assert.equal(3, result.status)
      result = run("put", house.folder:file "none")
      assert.equal(1, result.status)
      assert.matches("No such file", result.err)
      result = run("put", house.folder.path)
      assert.equal(2, result.status)
      assert.matches("is a folder: %-r", result.err)
      house:feed("x", "a", "put", "-", "-k", "k")
      result = run("get", "none", "k", "-d", house.folder:file "out")
      assert.equal(3, result.status)
      assert.equal("x", house.folder:read "out/k")
    end)
  end)

  it("fetch from a peer what is not here, and tell of too few copies", function()
    local house <close> = commands.house()
    local _, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    local child, _, id = house:serve "b"
    child:expect "is connected"
    local large = nodes.bytes(5 << 20)
    house.folder:write("large", large)
    local out = ok(house:run("b", "put", house.folder:file "large", "-k", "k"))
    assert.matches("2 copies", out)
    ok(house:run("b", "rm", "--here", "k"))
    assert.matches("at peers only", ok(house:run("b", "stat", "k")))
    assert.matches("missing: it has no copy", house:run("b", "why", "k").out)
    ok(house:run("b", "get", "k", "-o", house.folder:file "back"))
    assert.is_true(large == house.folder:read "back")
    local why = ok(house:run("b", "why", "k"))
    assert.matches("it wants 2 copies, there are 2\n  " .. id:sub(1, 16) .. "  this node  [^\n]*good, verified 20%d%d%-", why)
    local pipe <close> = io.popen(("find %s -size +1M"):format(temp.quote(house:root "b" .. "/objects")))
    nodes.flip(pipe:read "l", 5000)
    local result = house:run("b", "get", "k", "-f", "-o", house.folder:file "back")
    assert.equal(0, result.status)
    assert.is_true(large == house.folder:read "back")
    assert.matches(" free, ", ok(house:run("b", "peers")))
    house:write("b", "node.lua", house:read("b", "node.lua"):gsub("filo.policy.everywhere", "filo.policy.copies(3)", 2))
    child:kill "HUP"
    child:expect "read again"
    result = house:run("b", "put", house.folder:file "large", "-f", "-k", "k")
    assert.equal(4, result.status)
    assert.matches("2 of 3 copies", result.err)
    assert.equal(4, house:run("b", "why", "k").status)
  end)
end)

describe("filo why", function()
  it("tells names and zones, and what of the policy cannot be met", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", [[return {
      listen = "127.0.0.1:0", about = { name = "attic", zone = "home" }, policy = require("filo").policy.zones { copies = 2, zones = 2 },
    }]])
    house:serve "a"
    local result = house:feed("content", "a", "put", "-", "-k", "k")
    local lacking = "there are copies in 1 zone only, and the policy wants them in 2"
    assert.equal(4, result.status)
    assert.matches("1 of 2 copies of 'k' were made (it is stored here): " .. lacking, result.err, 1, true)
    result = house:run("a", "why", "k")
    assert.equal(4, result.status)
    assert.matches("\npolicy: 2 copies in 2 zones; it wants 2 copies, there are 1\n", result.out)
    assert.matches("\n  %x+  this node  attic, zone home: good, verified ", result.out)
    assert.matches("\nnot met: " .. lacking .. "\n$", result.out)
  end)
end)

describe("filo ls, stat, rm, verify, status", function()
  it("list what is stored, by prefix, and for programs", function()
    serving(function(house, run)
      for _, key in ipairs { "a/1", "a/2", "b\n\27[31m" } do house:feed("x", "a", "put", "-", "-k", key) end
      local keys = {}
      for key in ok(run "ls"):gmatch "[^\n]+" do keys[#keys + 1] = key end
      table.sort(keys)
      assert.same({ "a/1", "a/2", "b\\x0a\\x1b[31m" }, keys) -- nothing talks to the terminal
      assert.equal(2, select(2, ok(run("ls", "a/")):gsub("\n", "")))
      assert.matches("1 B  %d+%-%d%d%-%d%d %d%d:%d%d:%d%d  here  a/1\n", ok(run("ls", "-l", "a/1")))
      assert.equal("a/1", json.decode(ok(run("ls", "--json", "a/1"))).key)
      assert.equal(1, json.decode(ok(run("stat", "--json", "a/1"))).size)
      assert.matches("size       1 %(1 B%)\n", ok(run("stat", "a/1")))
    end)
  end)

  it("delete", function()
    serving(function(house, run)
      house:feed("x", "a", "put", "-", "-k", "k")
      assert.equal("deleted k\n", ok(run("rm", "k")))
      assert.equal(3, run("rm", "k").status)
      assert.equal(3, run("stat", "k").status)
      assert.equal("", ok(run "ls"))
    end)
  end)

  it("find a copy that has rotted, and have it set aside", function()
    serving(function(house, run, write)
      write("file", nodes.bytes(2 << 20))
      ok(run("put", house.folder:file "file", "-k", "k"))
      assert.equal("good k\n", ok(run "verify"))
      local pipe <close> = io.popen(("find %s -size +1M"):format(temp.quote(house:root "a" .. "/objects")))
      nodes.flip(pipe:read "l", 4000)
      local result = run "verify"
      assert.equal(1, result.status)
      assert.matches("the copy of 'k' here is not good", result.err)
      assert.is_false(json.decode(ok(run("ls", "--json"))).here)
    end)
  end)

  it("tell of the node", function()
    serving(function(house, run)
      local status = json.decode(ok(run("status", "--json")))
      assert.same({ house:root "a", 0 }, { status.root, status.peers })
      assert.matches("\npolicy    a copy at every peer\n", ok(run "status"))
    end)
  end)

  it("work on the files alone, or say how the node is started", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:feed("content", "a", "put", "-", "-k", "k")
    child:kill "TERM"
    child:wait()
    assert.equal("k\n", ok(house:run("a", "ls")))
    local got = house:run("a", "get", "k", "-o", "-")
    assert.same({ 0, "content" }, { got.status, got.out })
    assert.matches("^filo get: peers were not asked for newer versions: no node runs on [^\n]+\n$", got.err)
    assert.equal("content", ok(house:run("a", "get", "-q", "k", "-o", "-")))
    assert.equal("good k\n", ok(house:run("a", "verify")))
    for _, command in ipairs { { "status" }, { "peers" }, { "put", "x" }, { "rm", "k" }, { "why", "k" } } do
      local result = house:run("a", table.unpack(command))
      assert.equal(5, result.status)
      assert.matches("no node runs on .*: start it with `filo serve", result.err)
    end
    local result = house:run("a", "get", "none")
    assert.equal(5, result.status)
    for _, command in ipairs { "ls", "verify" } do
      assert.matches("there is no node in .*filo init", house:run("none", command).err)
    end
  end)

  it("stop in order when whoever reads has enough", function()
    serving(function(house)
      for i = 1, 3 do house:feed("x", "a", "put", "-", "-k", "key" .. i) end
      local line = ("FILO_ROOT=%s %s ls | head -n 1"):format(temp.quote(house:root "a"), temp.quote(filo.program))
      local result = process.run { program = "/bin/sh", "-c", line }
      assert.matches("^key%d\n$", result.out)
      assert.equal("", result.err)
    end)
  end)
end)

-- `filo verify` of all objects said that all was good though the record of one, or its end, was gone: what cannot be told to be an object
-- was not listed, so it was not verified either. `filo ls` and `filo get -r` passed over it without a word, too.

---The only file in the folder of objects.
local function find_object(root)
  local pipe <close> = assert(io.popen(("find '%s/objects' -type f"):format(root)))
  return pipe:read "l"
end

describe("a command that goes through all objects", function()
  ---Calls fn(house, path, child) with a node that has a good object, and one at path, "bad", that is no object any more.
  local function damaged(fn)
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:feed("content", "a", "put", "-", "-k", "bad")
    local path = find_object(house:root "a")
    local size = #house.folder:read(path:sub(#house.folder.path + 2))
    nodes.flip(path, size - 1)
    house:feed("content", "a", "put", "-", "-k", "good")
    fn(house, path, child)
  end

  local function stop(child)
    child:kill "TERM"
    child:wait()
  end

  it("tells by its name of one that is no object any more", function()
    for status, command in pairs { [1] = { "verify" }, [3] = { "get", "-r", "" } } do
      damaged(function(house, _, child)
        assert.same("bad\ngood\n", house:run("a", "ls").out)
        local result = house:within("a", table.unpack(command))
        assert.equal(status, result.status)
        assert.matches("'bad'", result.err)
        stop(child)
        assert.matches("  %-     bad\n.*  here  good\n", house:run("a", "ls", "-l").out) -- it was set aside
      end)
    end
  end)

  it("tells of what is no object any more, where its name is not known", function()
    damaged(function(house, path, child)
      local function check_one(out, ...)
        local result = house:run("a", ...)
        assert.same({ 1, out }, { result.status, result.out })
        assert.matches(path .. " is no sealed object any more", result.err, 1, true)
      end
      local function check()
        check_one("good good\n", "verify")
        check_one("good\n", "ls")
        check_one("", "get", "-rfq", "", "-d", house.folder:file "out")
        assert.equal("content", house.folder:read "out/good")
      end
      stop(child)
      assert(os.remove(house:root "a" .. "/catalogue"))
      check()
      child = house:serve "a"
      check()
      stop(child)
      check()
    end)
  end)
end)

-- `filo rm --here` removed a copy of which no peer had another, and with it the object.
describe("filo rm --here", function()
  it("keeps the last copy that is known of", function()
    local house <close> = commands.house()
    local child, token = house:first "a"
    house:feed("content", "a", "put", "-", "-k", "k")
    local result = house:run("a", "rm", "--here", "k")
    assert.same({ 4, "" }, { result.status, result.out })
    assert.matches("no peer that is connected has a copy of 'k'", result.err)
    assert.equal("content", house:run("a", "get", "k", "-o", "-").out)
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve "b"
    child:expect "is connected"
    house:feed("content", "a", "put", "-", "-k", "k")
    assert.equal("evicted k\n", house:run("a", "rm", "--here", "k").out)
    assert.equal("content", house:run("a", "get", "k", "-o", "-").out)
  end)
end)

describe("filo status", function()
  it("counts the copies that were set aside, until there are good ones", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    house:feed("content", "a", "put", "-", "-k", "k")
    assert.not_matches("set aside", house:run("a", "status").out)
    nodes.flip(find_object(house:root "a"), 1)
    assert.equal(1, house:run("a", "verify", "k").status)
    local told = house:run("a", "status").out
    assert.matches("\nbad +1 copy was set aside: ", told)
    assert.matches((" in %s/bad\n"):format(house:root "a"), told, 1, true)
    assert.matches('"bad":{"bytes":%d+,"count":1}', house:run("a", "status", "--json").out)
    house:feed("content", "a", "put", "-", "-k", "k")
    assert.not_matches("set aside", house:run("a", "status").out)
  end)
end)
