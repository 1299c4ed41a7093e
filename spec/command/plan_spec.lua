local commands = require "spec.support.commands"
local json = require "dkjson"
local nodes = require "spec.support.nodes"

describe("filo plan and apply", function()
  it("tell what would move to a member that has come, move it, and take it back", function()
    local house <close> = commands.house()
    house:run("home", "init", "--listen", "127.0.0.1:0", "--name", "home")
    house:write("home", "node.lua", house:read("home", "node.lua"):gsub("filo.policy.everywhere,", "filo.policy.copies(2),"))
    local _, address = house:serve "home"
    local token = house:run("home", "invite", "--address", address).out
    local function join(name, count)
      assert.equal(0, house:feed(token, name, "join", "-", "--listen", "127.0.0.1:0", "--name", name).status)
      house:serve(name)
      nodes.wait(function() return select(2, house:run("home", "peers").out:gsub(" up ", "")) == count end, "members")
    end
    join("attic", 1)
    for i = 1, 12 do assert.equal(0, house:feed("content", "home", "put", "-", "-k", "key " .. i, "-q").status) end
    assert.matches("12 objects here, 84 B\nnothing would move\n", house:run("home", "plan").out)
    join("cellar", 2)
    local plan = json.decode(house:run("home", "plan", "--json").out, 1, nil, nil)
    local out = house:run("home", "plan").out
    if plan.moving > 0 then -- by the IDs, which are drawn, none may: once in 4,096
      assert.matches("\ncellar +%x+ +0 copies, 0 B +%-> +" .. plan.moving .. " cop", out)
      assert.matches("'filo apply " .. plan.id .. "' does it\n$", out)
    end
    assert.matches("policy 'a copy at every peer'.*12 objects have fewer copies than there should be: they would be made by themselves",
      house:run("home", "plan", "--policy", "everywhere").out)
    house:write("home", "other.lua", "return { name = 'mine', place = function(_, members) return members, 1 end }")
    assert.matches("^policy 'mine', 12 objects here", house:run("home", "plan", house:root "home" .. "/other.lua").out)
    local failed = house:run("home", "plan", "nowhere.lua")
    assert.same({ 1, "filo plan: nowhere.lua: No such file or directory\n" }, { failed.status, failed.err })
    failed = house:run("home", "apply")
    assert.same({ 1, "filo apply: no plan was applied: 'filo plan' shows one\n" }, { failed.status, failed.err })
    assert.matches("there is no plan 'nonsense'", house:run("home", "apply", "nonsense").err)
    assert.equal(0, house:run("home", "apply", plan.id).status)
    nodes.wait(function() return house:run("home", "apply").out:find "was applied" end, "end of it")
    assert.matches(("\nplan +plan %s was applied: %d of %d cop"):format(plan.id, plan.moving, plan.moving), house:run("home", "status").out)
    assert.equal(0, house:run("home", "apply", "--revert").status)
    nodes.wait(function() return house:run("home", "apply").out:find "was taken back: 0 of" end, "end of that")
  end)
end)
