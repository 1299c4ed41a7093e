---`filo rotate`: changes the keys of what was shared, and tells how far that is.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"

local function out(result)
  assert.equal("", result.err)
  assert.equal(0, result.status)
  return result.out
end

---A node, and one that was given all that it stores, under the name anna.
local function reading(house)
  local a, token = house:first "a"
  house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
  house:serve "b"
  a:expect "is connected"
  out(house:feed("content", "a", "put", "-", "-k", "key"))
  out(house:feed(out(house:run("a", "share", "--all")), "b", "accept", "-", "--name", "anna"))
  assert.equal("content", out(house:run("b", "get", "--of", "anna", "key", "-o", "-")))
end

describe("filo rotate", function()
  it("shuts out who was let read, and says what he keeps", function()
    local house <close> = commands.house()
    reading(house)
    local text = out(house:run("a", "rotate"))
    assert.matches("^The keys are changed %(generation 1%), and all that is here has the new ones", text)
    assert.matches("\nWho could read before keeps what he has read, and the keys to the content of the versions", text, 1, true)
    out(house:feed("later", "a", "put", "-", "-k", "later"))
    local refused = house:run("b", "get", "--of", "anna", "later", "-o", "-")
    assert.same({ 1, "" }, { refused.status, refused.out })
    assert.matches("'later' cannot be read: access to it ended when its keys were changed %(generation 1%): ask its owner to share it anew",
      refused.err)
    out(house:feed(out(house:run("a", "share", "--all")), "b", "accept", "-"))
    assert.equal("later", out(house:run("b", "get", "--of", "anna", "later", "-o", "-")))
    assert.not_matches("rotation", out(house:run("a", "status")))
    assert.equal(2, json.decode(out(house:run("a", "rotate", "--json"))).generation)
  end)

  it("lists for who was shut out nothing that is new, and says why", function()
    local house <close> = commands.house()
    reading(house)
    out(house:run("a", "rotate"))
    out(house:feed("later", "a", "put", "-", "-k", "later"))
    local list = house:run("b", "ls", "--of", "anna")
    assert.not_matches("later", list.out)
    assert.matches("keys were changed.*share it anew", list.err)
  end)

  it("goes on in the background, where the node runs", function()
    local house <close> = commands.house()
    house:first "a"
    out(house:feed("content", "a", "put", "-", "-k", "key"))
    local done = json.decode(out(house:run("a", "rotate", "--background", "--json")))
    assert.equal(1, done.generation)
    house:run("a", "stop")
    assert.equal(5, house:run("a", "rotate", "--background").status)
    assert.matches("generation 2", out(house:run("a", "rotate")))
    local reader = house:run("a", "rotate", "--of", "none")
    assert.equal(1, reader.status)
  end)

  it("is denied to who was only let read", function()
    local house <close> = commands.house()
    reading(house)
    local denied = house:run("b", "rotate", "--of", "anna")
    assert.equal(1, denied.status)
    assert.matches("can be read here, not written", denied.err)
  end)

  it("says what could not be done, and that it is tried again", function()
    local house <close> = commands.house()
    house:first "a"
    out(house:feed("content", "a", "put", "-", "-k", "key"))
    house:run("a", "stop")
    house:write("a", "node.lua", house:read("a", "node.lua"):gsub("return {", "return {\n  reserve = 1 << 60,", 1))
    house:serve "a"
    local result = house:run("a", "rotate")
    assert.equal(1, result.status)
    assert.matches("not all objects have the new ones yet: 'key': .*; the node tries again by itself", result.err)
    assert.matches("1 of 1 object left", result.out)
    assert.matches("rotation  own: 1 of 1 object left; the last try: 'key'", out(house:run("a", "status")))
    assert.equal("content", out(house:run("a", "get", "key", "-o", "-")))
  end)
end)
