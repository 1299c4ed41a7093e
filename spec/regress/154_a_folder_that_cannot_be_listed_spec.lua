---One folder that could not be listed kept `filo put -r` from storing anything; and its message could lie within the names that find(1)
---wrote meanwhile.

local commands = require "spec.support.commands"
local process = require "spec.support.process"

---A find(1) that complains before it has written all, as one of another user's folders makes it do.
local FIND = [[
#!/bin/sh
echo "find: 'd/closed': Permission denied" >&2
PATH=$REAL_PATH find "$@"
exit 1
]]

describe("filo put -r", function()
  it("stores what it can list, and says what it cannot", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    assert(os.execute(("mkdir -p '%s/d' '%s/bin'"):format(house.folder.path, house.folder.path)))
    assert(os.execute(("chmod +x '%s'"):format(house.folder:write("bin/find", FIND))))
    house.folder:write("d/file", "content")
    local path = os.getenv "PATH"
    local result = process.run { "put", "-r", "d", cwd = house.folder.path, env = {
      FILO_ROOT = house:root "a", REAL_PATH = path, PATH = house.folder:file "bin" .. ":" .. path,
    } }
    assert.same({ 1, "filo put: 'd/closed': Permission denied\n" }, { result.status, result.err })
    assert.equal("d/file\n", house:run("a", "ls").out)
  end)
end)
