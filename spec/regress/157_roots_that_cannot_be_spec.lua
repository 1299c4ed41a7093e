---`--root ""`, as of a variable that is not set, meant the default root; and of a root below a file `filo init` said that a node was
---there already.

local commands = require "spec.support.commands"

describe("a root", function()
  it("that is named by nothing is not the default one", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local result = house:run("a", "ls", "--root", "")
    assert.equal(2, result.status)
    assert.matches("%-%-root is empty", result.err)
  end)

  it("below a file cannot be made", function()
    local house <close> = commands.house()
    local file = house.folder:write("file", "")
    local result = house:run("a", "init", "--root", file .. "/root")
    assert.not_equal(0, result.status)
    assert.matches("file/root: Not a directory", result.err)
  end)
end)
