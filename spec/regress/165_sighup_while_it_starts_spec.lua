---SIGHUP ended a node that was not ready yet: while the `start` of its node.lua ran, say.

local commands = require "spec.support.commands"

local OPTIONS = [[
local filo, root = require "filo", ...
return {
  start = function()
    io.stderr:write "it starts\n"
    while not io.open(root .. "/go") do filo.sleep(0.01) end
  end,
}
]]

describe("SIGHUP", function()
  it("to a node that starts makes it read node.lua as soon as it runs", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", OPTIONS)
    local child = house:start("a", "serve")
    child:expect "it starts"
    child:kill "HUP"
    house:write("a", "go", "")
    child:expect "node.lua was read again"
    child:kill "TERM"
    assert.equal(0, child:wait().status)
  end)
end)
