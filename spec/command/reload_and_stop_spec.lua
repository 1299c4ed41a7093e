local commands = require "spec.support.commands"
local control = require "filo.command.control"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

---Calls fn(house, child) with a node that serves.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  fn(house, (house:serve "a"))
end

local done = { status = 0, out = "", err = "" }

describe("filo stop", function()
  it("ends the node, and has waited until its root is free", function()
    serving(function(house, child)
      assert.same(done, house:run("a", "stop"))
      assert.matches("^closed[ %x]*\n$", house:read("a", "lock"))
      local result = child:wait()
      assert.equal(0, result.status)
      assert.matches("info    stops: filo stop\n", result.err, 1, true)
      local again = house:run("a", "stop")
      assert.equal(5, again.status)
      assert.matches("no node runs on", again.err)
      house:serve "a"
    end)
  end)
end)

describe("filo reload", function()
  it("has taken over node.lua when it ends", function()
    serving(function(house, child)
      house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", policy = require("filo").policy.copies(3) }')
      assert.same(done, house:run("a", "reload"))
      assert.matches("\npolicy    3 copies", house:run("a", "status").out)
      child:expect "node.lua was read again"
    end)
  end)

  it("tells what is wrong with it, and what waits for a restart", function()
    serving(function(house)
      house:write("a", "node.lua", "return { listen = 5 }")
      local result = house:run("a", "reload")
      assert.same({ 1, "" }, { result.status, result.out })
      assert.matches("^filo reload: .*/node.lua: option 'listen' ", result.err)
      house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", reserve = 1 }')
      result = house:run("a", "reload")
      assert.same({ 0, "filo reload: other values for what waits for a restart: reserve\n" }, { result.status, result.err })
    end)
  end)
end)

describe("a node that a script runs", function()
  it("is not stopped or told to read node.lua again", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(control.serve(a))
    for _, command in ipairs { "stop", "reload" } do
      local result = process.run { command, "--root", a.root }
      assert.same({ 1, ("filo %s: the node on %s is run by a script, not by 'filo serve': ask that script\n"):format(command, a.root) },
        { result.status, result.err })
    end
  end)
end)
