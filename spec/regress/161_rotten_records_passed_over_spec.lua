---`filo verify` of all objects said that all was good though the record of one, or its end, was gone: what cannot be told to be an object
---was not listed, so it was not verified either. `filo ls` and `filo get -r` passed over it without a word, too.

local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"

---The only file in the folder of objects.
local function find_object(root)
  local pipe <close> = assert(io.popen(("find '%s/objects' -type f"):format(root)))
  return pipe:read "l"
end

describe("a command that goes through all objects", function()
  it("tells of what is no object any more", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:feed("content", "a", "put", "-", "-k", "bad")
    local path = find_object(house:root "a")
    local size = #house.folder:read(path:sub(#house.folder.path + 2))
    nodes.flip(path, size - 1)
    house:feed("content", "a", "put", "-", "-k", "good")
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
    check()
    child:kill "TERM"
    child:wait()
    check()
  end)
end)
