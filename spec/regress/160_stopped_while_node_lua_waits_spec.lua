---A node that was told to stop while node.lua, read again, waited for something said that node.lua was wrong.

local commands = require "spec.support.commands"

describe("filo serve", function()
  it("stops without blaming a node.lua that waits", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:write("a", "node.lua", [[io.stderr:write "it waits\n" require("filo").sleep(1000) return {}]])
    child:kill "HUP"
    child:expect "it waits"
    child:kill "TERM"
    local result = child:wait()
    assert.equal(0, result.status)
    assert.not_matches("not taken over", result.err)
  end)
end)
