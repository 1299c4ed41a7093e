---Nodes that this one dials and does not reach: copies that should be there, and deletions that should be known there. All copies were
---said to be made when nobody was there to hold one. A deletion said nothing of who held a copy, had dialled in, and was away.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"

describe("a command of a node that does not reach another", function()
  it("tells of it, with exit status 4, until it is there again", function()
    local house <close> = commands.house()
    local first, token, id, address = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve("b"):expect "is connected"
    local function run(...)
      local result = house:run("b", ...)
      return result.status, result.out, result.err
    end
    house.folder:write("file", "content")
    house.folder:write("other", "content")
    local path, other = house.folder:file "file", house.folder:file "other"
    assert.same({ 0, "" }, { select(1, run("put", path, "-k", "k")), select(3, run("put", path, "-k", "k")) })
    first:kill "KILL"
    first:wait()

    local status, out, err = run("put", path, "-k", "k2")
    assert.same({ 4, "k2  7 B  1 copy\n" }, { status, out })
    local what = "copies that the policy wants there are missing, and are made once it is back\n$"
    assert.matches("^filo put: [^\n]*node " .. id:sub(1, 16) .. "%)? is not connected: " .. what, err)
    status, out, err = run("put", path, "-k", "k3", "--json")
    assert.same({ 4, id }, { status, json.decode(out, 1, nil, nil).receipt.away[1].node })
    assert.matches("^filo put: 1 of 2 copies of 'k3' were made %(it is stored here%): .*node " .. id:sub(1, 16) .. "%)? is away for ", err)
    assert.equal(4, (run("put", path, other)))
    status, out = run("why", "k2")
    assert.equal(4, status)
    assert.matches("it wants 2 copies, there are 1\n", out)
    assert.matches("  " .. id:sub(1, 16) .. "  away       [^\n]*missing: it is away for 0:%d%d, and keeps its place for %d+:%d%d\n", out)
    assert.matches("peers +0; not connected: " .. address:gsub("%p", "%%%0"), (select(2, run "status")))
    status, out, err = run("rm", "k")
    assert.same({ 4, "deleted k\n" }, { status, out })
    assert.equal(("filo rm: %s is not connected: what was deleted is told there once it is\n"):format(address), err)
  end)

  it("tells of one that it dials and has never met", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", bootstrap = { "127.0.0.1:1" } }')
    house:serve "a"
    local result = house:feed("content", "a", "put", "-", "-k", "k")
    assert.same({ 4, "k  7 B  1 copy\n" }, { result.status, result.out })
    local sentence = "filo put: %s is not connected: copies that the policy wants there are missing, and are made once it is back\n"
    assert.equal(sentence:format "127.0.0.1:1", result.err)
    result = house:run("a", "why", "k")
    assert.equal(4, result.status)
    assert.matches("it wants 2 copies, there are 1\n", result.out)
    assert.matches("127%.0%.0%.1:1 +peer +not connected\n", result.out)
  end)

  it("tells of one that it does not dial, and that took copies before both were started again", function()
    local house <close> = commands.house()
    local first, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    local second, _, holder = house:serve "b"
    second:expect "is connected"
    assert.equal(0, house:feed("content", "a", "put", "-", "-k", "k").status)
    for _, child in ipairs { second, first } do
      child:kill "KILL"
      child:wait()
    end
    house:serve "a"
    local result = house:run("a", "rm", "k")
    local sentence = ("filo rm: node %s is not connected: what was deleted is told there once it is\n"):format(holder:sub(1, 16))
    assert.same({ 4, "deleted k\n", sentence }, { result.status, result.out, result.err })
  end)

  it("does not delete while it cannot know who has copies", function()
    local house <close> = commands.house()
    house:first "a"
    assert.equal(0, house:feed("content", "a", "put", "-", "-k", "k").status)
    house:write("a", "holders", "")
    local result = house:run("a", "rm", "k")
    assert.same({ 1, "" }, { result.status, result.out })
    assert.matches("cannot delete 'k': which nodes have copies cannot be read: %S+/holders is no folder: remove it\n", result.err)
    assert(os.remove(house:root "a" .. "/holders"))
    assert.equal("deleted k\n", house:run("a", "rm", "k").out)
  end)

  it("says no more of one that a person has taken for gone for good", function()
    local house <close> = commands.house()
    local _, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    local second, _, holder = house:serve "b"
    second:expect "is connected"
    for _, key in ipairs { "k", "k2" } do assert.equal(0, house:feed("content", "a", "put", "-", "-k", key).status) end
    second:kill "KILL"
    second:wait()
    assert.equal(4, house:run("a", "rm", "k").status)
    assert(os.remove(house:root "a" .. "/holders/" .. holder))
    assert.equal(0, house:run("a", "rm", "k2").status)
  end)

  it("says which peer has not taken a deletion", function()
    local house <close> = commands.house()
    local first, token, id = house:first "a"
    local archive =
      '{ name = "archive", accept = function(offer) return not offer.tombstone, "it keeps all" end }'
    house:write("a", "node.lua", (house:read("a", "node.lua"):gsub("filo%.policy%.everywhere", archive)))
    first:kill "HUP"
    first:expect "read again"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve("b"):expect "is connected"
    assert.equal(0, house:feed("content", "b", "put", "-", "-k", "k").status)
    local result = house:run("b", "rm", "k")
    assert.same({ 4, "deleted k\n" }, { result.status, result.out })
    assert.equal(("filo rm: 'k' is deleted here, but peer %s still has a copy: refused: it keeps all\n"):format(id:sub(1, 16)),
      result.err)
  end)
end)
