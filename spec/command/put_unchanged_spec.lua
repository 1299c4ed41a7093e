---`filo put` took a file for unchanged that was to be stored in clear, or no longer so, or that had changed since it began to be read:
---its size and time of modification, in seconds, tell nothing of that.

local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

---Calls fn(put, write, run, house) with a node that serves. write(content, time) makes the file that put(...) stores as "k".
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house.serving = house:serve "a"
  local path = house.folder:file "file"
  local function write(content, time)
    house.folder:write("file", content)
    assert(os.execute(("touch -d %s %s"):format(temp.quote(time), temp.quote(path))))
  end
  local function run(...)
    local result = house:run("a", ...)
    assert.same({ 0, "" }, { result.status, result.err })
    return result.out
  end
  fn(function(...) return run("put", path, "-k", "k", ...) end, write, run, house)
end

describe("filo put", function()
  it("encrypts a file that was stored in clear, and the other way round", function()
    serving(function(put, write, run)
      write("content", "2020-01-01")
      put "--plain"
      assert.matches("unchanged", put "--plain")
      assert.not_matches("unchanged", put())
      assert.matches("encrypted +yes", run("stat", "k"))
      assert.not_matches("unchanged", put "--plain")
      assert.matches("encrypted +no", run("stat", "k"))
    end)
  end)

  it("encrypts as the node does, when it is not told otherwise", function()
    serving(function(put, write, run, house)
      local options = house:read("a", "node.lua"):gsub("return {", "return { encrypt = false,")
      house:write("a", "node.lua", options)
      house.serving:kill "HUP"
      house.serving:expect "read again"
      write("content", "2020-01-01")
      put()
      assert.matches("encrypted +no", run("stat", "k"))
      assert.matches("unchanged", put())
    end)
  end)

  it("stores a file again that was given other content of the same size and time", function()
    serving(function(put, write, run)
      for _, time in ipairs { "2020-01-01", "1 hour" } do
        write("first", time)
        put()
        write("other", time)
        put()
        assert.equal("other", run("get", "k", "-o", "-"))
      end
    end)
  end)

  it("stores a file again that took the place of one of the same size and time", function()
    serving(function(put, write, run, house)
      write("first", "2020-01-01")
      house.folder:write("next", "other")
      local names = { temp.quote(house.folder:file "next"), temp.quote(house.folder:file "file") }
      assert(os.execute(("touch -d 2020-01-01 %s"):format(names[1])))
      put()
      assert(os.execute(("mv %s %s"):format(names[1], names[2])))
      put()
      assert.equal("other", run("get", "k", "-o", "-"))
    end)
  end)

  it("knows a file again by its content where another one took its place, as one from another machine does", function()
    serving(function(put, write, run, house)
      local next_one = temp.quote(house.folder:file "next")
      for _, size in ipairs { 7, 3 << 20, (2 << 20) + 1 } do
        for _, how in ipairs { {}, { "--plain" } } do
          local content = nodes.bytes(size)
          write(content, "2020-01-01")
          put(table.unpack(how))
          local function replace(text)
            house.folder:write("next", text)
            assert(os.execute(("touch -d 2020-01-01 %s && mv %s %s"):format(next_one, next_one, temp.quote(house.folder:file "file"))))
          end
          replace(content)
          assert.matches("unchanged", put(table.unpack(how)))
          replace(content:sub(1, -2) .. string.char(content:byte(-1) ~ 1))
          assert.not_matches("unchanged", put(table.unpack(how)))
          assert.not_equal(content, run("get", "k", "-o", "-"))
          replace(content .. "x")
          assert.not_matches("unchanged", put(table.unpack(how)))
        end
      end
    end)
  end)

  it("does not store a file of the future again and again", function()
    serving(function(put, write)
      write("content", "1 hour")
      put()
      assert.matches("unchanged", put())
    end)
  end)

  it("does not store an empty file again and again", function()
    serving(function(put, write)
      write("", "2020-01-01")
      put()
      assert.matches("unchanged", put())
    end)
  end)

  it("stores again what has not changed when it is told to", function()
    serving(function(put, write, run)
      write("content", "2020-01-01")
      put "--force"
      assert.matches("unchanged", put())
      assert.not_matches("unchanged", put "--force")
      assert.matches('"stamp":"%d+%.%d+ %d+%.%d+ 7 %d+"', run("stat", "k", "--json"))
    end)
  end)
end)

-- The old content was said to be unchanged, with two copies, where the peer had a newer version only.
describe("filo put on a root that was restored from a backup", function()
  it("fails where a peer has a newer version, and puts the old one above it when it is told to", function()
    local house <close> = commands.house()
    local _, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    local child
    local function start()
      child = house:serve "b"
      nodes.wait(function() return house:run("b", "peers").out ~= "" end, "peer")
    end
    start()
    house.folder:write("old", "old")
    house.folder:write("new", "newer")
    local function put(name, ...) return house:run("b", "put", house.folder:file(name), "-k", "k", ...) end
    assert.equal(0, put("old").status)
    local root, backup = temp.quote(house:root "b"), temp.quote(house:root "backup")
    local function stop()
      child:kill "TERM"
      child:wait()
    end
    stop()
    assert(os.execute(("cp -a %s %s"):format(root, backup)))
    start()
    assert.matches("2 copies", put("new").out)
    stop()
    assert(os.execute(("rm -r %s && mv %s %s"):format(root, backup, root)))
    start()
    local result = put "old"
    assert.equal(1, result.status)
    assert.matches("'k' has a newer version, .+%(another machine stored that one, or this root was restored from a backup%)",
      result.err)
    assert.matches("2 copies", put("old", "--force").out)
  end)
end)
