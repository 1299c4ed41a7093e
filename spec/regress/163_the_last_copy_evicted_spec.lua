---`filo rm --here` removed a copy of which no peer had another, and with it the object.

local commands = require "spec.support.commands"

describe("filo rm --here", function()
  it("keeps the last copy that is known of", function()
    local house <close> = commands.house()
    local child, token = house:first "a"
    house:feed("content", "a", "put", "-", "-k", "k")
    local result = house:run("a", "rm", "--here", "k")
    assert.same({ 4, "" }, { result.status, result.out })
    assert.matches("no peer that is connected has a copy of 'k'", result.err)
    assert.equal("content", house:run("a", "get", "k", "-o", "-").out)
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve "b"
    child:expect "is connected"
    house:feed("content", "a", "put", "-", "-k", "k")
    assert.equal("evicted k\n", house:run("a", "rm", "--here", "k").out)
    assert.equal("content", house:run("a", "get", "k", "-o", "-").out)
  end)
end)
