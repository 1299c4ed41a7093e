local commands = require "spec.support.commands"
local json = require "dkjson"
local nodes = require "spec.support.nodes"

---Waits until the members that a node lists match a pattern; gives the list.
local function listed(house, name, pattern)
  return nodes.wait(function()
    local out = house:run(name, "peers").out
    return out:find(pattern) and out
  end, "member " .. pattern)
end

describe("filo peers and forget", function()
  it("tell of all members by name, and remove one everywhere", function()
    local house <close> = commands.house()
    house:run("home", "init", "--listen", "127.0.0.1:0", "--name", "home")
    local _, address = house:serve "home"
    local token = house:run("home", "invite", "--address", address).out
    local served = {}
    for _, name in ipairs { "cellar", "attic" } do
      assert.equal(0, house:feed(token, name, "join", "-", "--listen", "127.0.0.1:0", "--name", name).status)
      served[name] = house:serve(name)
    end
    local own = json.decode(house:run("home", "namespaces", "--json").out, 1, nil, nil).id
    assert.matches(('operators = {\n    "%s",\n  }'):format(own), house:read("cellar", "node.lua"), 1, true)
    local out = listed(house, "cellar", "attic +%x+ +127%.0%.0%.1:%d+ +up 0:0%d")
    assert.matches("home +%x+ +127%.0%.0%.1:%d+ +up 0:%d%d +[%d.]+ %a+ free, ", out)
    served.attic:close()
    listed(house, "home", "attic +%x+ +127%.0%.0%.1:%d+ +away 0:%d%d +%S")
    assert.equal("2 (1 of them connected)", house:run("home", "status").out:match "\nmembers +([^\n]+)")
    local result = house:run("home", "forget", "attic")
    assert.same({ 0, "" }, { result.status, result.err })
    assert.matches("^attic %(%x+%) is no member any more\n$", result.out)
    for _, name in ipairs { "home", "cellar" } do
      nodes.wait(function() return not house:run(name, "peers").out:find "attic" end, "member that has gone")
    end
    local again = house:start("attic", "serve")
    again:expect "error +cannot connect to [%d.:]+: the peer does not let this node in"
    result = house:run("home", "forget", "nobody")
    assert.same({ 1, "filo forget: there is no member 'nobody': 'filo peers' lists them\n" }, { result.status, result.err })
    local attic = house:run("attic", "status", "--json").out:match '"id":"(%x+)"'
    local id = json.decode(house:run("home", "forget", "--undo", "--json", attic).out, 1, nil, nil).id
    local member = nodes.wait(function()
      for _, each in ipairs(json.decode(house:run("cellar", "peers", "--json").out, 1, nil, nil)) do
        if each.id == id and each.connected then return each end
      end
    end, "member that is back")
    assert.same({ "attic", "up" }, { member.name, member.state })
  end)

  -- It said in its options that it wants a copy everywhere, and so changed what the first machine had said.
  it("leave to another machine of the same person what is wanted of its copies", function()
    local house <close> = commands.house()
    house:run("home", "init", "--listen", "127.0.0.1:0")
    house:write("home", "node.lua", house:read("home", "node.lua"):gsub("filo.policy.everywhere,", "filo.policy.copies(3),"))
    local _, address = house:serve "home"
    house:feed(house:run("home", "invite", "--device", "--address", address).out, "phone", "join", "-", "--listen", "127.0.0.1:0")
    house:serve("phone"):expect "is connected"
    assert.matches("\npolicy +3 copies\n", house:run("phone", "status").out)
  end)

  it("are called a name that can be printed", function()
    local house <close> = commands.house()
    local result = house:run("a", "init", "--name", "a\27[31m")
    assert.equal(2, result.status)
    assert.matches("%-%-name takes a text of 1 to 64 bytes that can be printed", result.err)
  end)
end)
