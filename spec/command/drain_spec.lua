local commands = require "spec.support.commands"
local json = require "dkjson"
local nodes = require "spec.support.nodes"

describe("filo drain", function()
  it("empties a member, and filo peers tells when it may be switched off", function()
    local house <close> = commands.house()
    house:run("home", "init", "--listen", "127.0.0.1:0", "--name", "home")
    local _, address = house:serve "home"
    local token = house:run("home", "invite", "--address", address).out
    for _, name in ipairs { "cellar", "attic" } do
      assert.equal(0, house:feed(token, name, "join", "-", "--listen", "127.0.0.1:0", "--name", name).status)
      house:serve(name)
    end
    nodes.wait(function() return select(2, house:run("home", "peers").out:gsub(" up ", "")) == 2 end, "members")
    assert.equal(0, house:feed("content", "home", "put", "-", "-k", "key", "-q").status)
    assert.matches('"owner":"%x+","objects":1,"bytes":7', house:run("attic", "usage", "--json").out)
    local result = house:run("home", "drain", "attic")
    assert.same({ 0, "" }, { result.status, result.err })
    assert.matches("^attic %(%x+%) is to be emptied; 'filo peers' tells how many copies are left there\n$", result.out)
    nodes.wait(function()
      house:run("attic", "repair") -- it would do so by itself, two minutes after its start
      return house:run("home", "peers").out:find "attic .* draining .* empty: it may be switched off"
    end, "end of it")
    assert.not_matches('"owner":"%x+","objects":1', house:run("attic", "usage", "--json").out)
    local undone = json.decode(house:run("home", "drain", "--undo", "--json", "attic").out, 1, nil, nil)
    assert.same({ "attic", false }, { undone.name, undone.draining })
    local refused = house:run("home", "drain", "nobody")
    assert.same({ 1, "filo drain: there is no member 'nobody': 'filo peers' lists them\n" }, { refused.status, refused.err })
  end)
end)
