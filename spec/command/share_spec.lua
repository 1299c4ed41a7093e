---Several machines of one person, and what he shares with others: invite --device, share, accept, namespaces, --of.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"

---A node that serves, a keeper and another machine of the same person. Gives the first two processes.
local function family(house)
  local a, token, _, address = house:first "a"
  house:feed(token, "keeper", "join", "-", "--listen", "127.0.0.1:0")
  local keeper = house:serve "keeper"
  local device = house:run("a", "invite", "--device", "--address", address)
  assert.equal("", device.err)
  local joined = house:feed(device.out, "b", "join", "-", "--listen", "127.0.0.1:0")
  assert.matches("put, get and rm mean the same objects here and there", joined.out, 1, true)
  house:serve "b"
  for _ = 1, 2 do a:expect "is connected" end
  return a, keeper
end

local function out(result)
  assert.equal("", result.err)
  assert.equal(0, result.status)
  return result.out
end

describe("another machine of mine", function()
  it("reads, changes and deletes what the first stores, which a keeper cannot", function()
    local house <close> = commands.house()
    family(house)
    out(house:feed("first", "a", "put", "-", "-k", "key"))
    assert.equal("first", out(house:run("b", "get", "key", "-o", "-")))
    local stored = house:feed("second", "b", "put", "-", "-k", "key")
    assert.equal(0, stored.status)
    assert.equal("second", out(house:run("a", "get", "key", "-o", "-")))
    assert.equal("key\n", out(house:run("b", "ls")))
    local kept = house:run("keeper", "get", "key", "-o", "-")
    assert.equal(3, kept.status)
    assert.equal("", kept.out)
    house:run("b", "rm", "key")
    assert.matches("'key' was deleted", house:run("a", "get", "key", "-o", "-").err)
    local namespaces = out(house:run("b", "namespaces"))
    assert.matches("^main  +%x+  reads and writes\nown  +%x+  reads and writes\n$", namespaces)
    assert.equal(namespaces:match "main +(%x+)", out(house:run("a", "namespaces")):match "own +(%x+)")
  end)

  it("joins once in a root", function()
    local house <close> = commands.house()
    local _, _, _, address = house:first "a"
    local device = house:run("a", "invite", "--device", "--address", address).out
    assert.equal(0, house:feed(device, "b", "join", "-").status)
    local again = house:feed(device, "b", "join", "-")
    assert.equal(1, again.status)
    assert.matches("there is a node in .* already", again.err)
  end)
end)

describe("what is shared", function()
  it("is read by its name, one object or all of them, and changed when that was shared", function()
    local house <close> = commands.house()
    local a, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve "b"
    a:expect "is connected"
    for _, key in ipairs { "one", "two" } do out(house:feed("of " .. key, "a", "put", "-", "-k", key)) end

    house:write("b", "capability", out(house:run("a", "share", "one")))
    local accepted = out(house:run("b", "accept", house:root "b" .. "/capability", "--name", "anna"))
    assert.matches("^namespace anna, of %x+: single objects of it can be read%. Its objects: %-%-of anna\n$", accepted)
    assert.equal("of one", out(house:run("b", "get", "--of", "anna", "one", "-o", "-")))
    assert.matches("no access to that object was given: ask its owner to share it",
      house:run("b", "get", "--of", "anna", "two", "-o", "-").err)
    assert.equal("", out(house:run("b", "ls")))

    out(house:feed(out(house:run("a", "share", "--all")), "b", "accept", "-"))
    assert.equal("one\ntwo\n", out(house:run("b", "ls", "--of", "anna")))
    assert.equal("of two", out(house:run("b", "get", "--of", "anna", "two", "-o", "-")))
    assert.matches("key        two\n", out(house:run("b", "stat", "--of", "anna", "two")))
    local verified = out(house:run("b", "verify", "--of", "anna"))
    for _, key in ipairs { "one", "two" } do assert.matches("good " .. key .. "\n", verified, 1, true) end
    assert.equal("one", json.decode(out(house:run("b", "why", "--of", "anna", "one", "--json")), 1, nil, nil).item.key)
    assert.matches("cannot delete 'one': that namespace can be read here, not written", house:run("b", "rm", "--of", "anna", "one").err)

    local told = json.decode(out(house:feed(out(house:run("a", "share", "--write")), "b", "accept", "-", "--json")), 1, nil, nil)
    assert.same({ "anna", "write" }, { told.name, told.access })
    out(house:feed("of b", "b", "put", "--of", "anna", "-", "-k", "three"))
    assert.equal("of b", out(house:run("a", "get", "three", "-o", "-")))
    assert.matches("there is no namespace 'ben' here", house:feed("x", "b", "put", "--of", "ben", "-", "-k", "four").err)
    assert.equal(0, house:run("b", "rm", "--of", "anna", "one").status)
    assert.matches("'one' was deleted", house:run("a", "get", "one", "-o", "-").err)
  end)

  it("is accepted where no node runs, and is there when one does", function()
    local house <close> = commands.house()
    local a, token = house:first "a"
    out(house:feed("content", "a", "put", "-", "-k", "key"))
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    out(house:feed(out(house:run("a", "share", "--all")), "b", "accept", "-", "--name", "anna"))
    house:serve "b"
    a:expect "is connected"
    assert.equal("content", out(house:run("b", "get", "--of", "anna", "key", "-o", "-")))
  end)

  it("is refused when it is no capability, or stands on the command line; and --of what is not there", function()
    local house <close> = commands.house()
    house:run("a", "init")
    local line = out(house:run("a", "share", "--all")):sub(1, -2)
    local function refused(status, pattern, result)
      assert.equal(status, result.status)
      assert.equal("", result.out)
      assert.matches(pattern, result.err)
    end
    refused(2, "a capability is a secret: give it on standard input", house:run("a", "accept", line))
    local spaced = house:run("a", "accept", " " .. line)
    assert.equal(2, spaced.status)
    assert.is_nil(spaced.err:find(line, 1, true))
    assert.matches("there is no 'typo' here yet", house:run("a", "share", "typo").err)
    refused(1, "this is no capability", house:feed("junk", "a", "accept", "-"))
    refused(1, "mistyped or cut", house:feed(line:sub(1, -3), "a", "accept", "-"))
    refused(1, "of a kind that this Filo does not know", house:feed("filo-append.AAAA", "a", "accept", "-"))
    refused(1, "own namespace", house:feed(line, "a", "accept", "-"))
    refused(1, "cannot read the capability: /nowhere: No such file", house:run("a", "accept", "/nowhere"))
    refused(2, "say what", house:run("a", "share"))
    refused(2, "leave one out", house:run("a", "share", "key", "--all"))
    for _, command in ipairs { "ls", "verify" } do
      refused(1, "there is no namespace 'anna' here; there are: own", house:run("a", command, "--of", "anna"))
    end
    refused(1, "there is no namespace 'anna' here", house:run("a", "get", "--of", "anna", "key"))
  end)
end)
