---A node.lua that never ended, read again at SIGHUP, stopped the whole node: it served nobody, and SIGTERM did not end it.

local commands = require "spec.support.commands"
local interruptible = require "spec.support.interruptible"

describe("a node.lua that computes for ever", function()
  (interruptible and it or pending)("is given up at SIGHUP, and the node goes on as it is", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:write("a", "node.lua", "while true do end")
    child:kill "HUP"
    child:expect "node%.lua is not taken over[^\n]+node%.lua:1: [^\n]+too long"
    assert.equal(0, house:run("a", "status").status)
    child:kill "TERM"
    assert.equal(0, child:wait().status)
  end)
end)
