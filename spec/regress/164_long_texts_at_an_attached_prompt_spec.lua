---A line at a prompt within a node that gave or printed more than 4 MiB ended the prompt, which said that the node had ended.

local commands = require "spec.support.commands"

local LINES = [[
print(("x"):rep(5 << 20))
return ("x"):rep(5 << 20)
return "next"
]]

describe("a prompt within a node", function()
  it("prints what is long, says what is too long to be shown, and goes on", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    local result = house:feed(LINES, "a", "-i", "--attach", house:root "a")
    assert.is_true(result.out == ("x"):rep(5 << 20) .. "\nnext\n")
    assert.matches("5242%d+ bytes.*at most", result.err)
    assert.equal(1, result.status)
  end)
end)
