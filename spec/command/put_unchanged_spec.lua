---`filo put` took a file for unchanged that was to be stored in clear, or no longer so, or that had changed in the very second in which
---it had been stored: its size and time of modification tell nothing of that.

local commands = require "spec.support.commands"
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

  it("stores a file again that may have changed since in the same second", function()
    serving(function(put, write, run)
      write("first", "1 hour")
      put()
      write("other", "1 hour")
      put()
      assert.equal("other", run("get", "k", "-o", "-"))
    end)
  end)
end)
