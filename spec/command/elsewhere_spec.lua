---Commands about what lies at peers only.

local commands = require "spec.support.commands"
local free_address = require "spec.support.free_address"
local json = require "filo.dkjson"

local function out(result)
  assert.equal("", result.err)
  assert.equal(0, result.status)
  return result.out
end

---The objects of a list in JSON, by key.
local function listed(text)
  local items = {}
  for line in text:gmatch "[^\n]+" do
    local item = json.decode(line, 1, nil, nil)
    items[item.key] = item
  end
  return items
end

---A keeper and a node with a tree of files at it, "a"; the keeper's token is in "token".
local function make(house)
  local _, token = house:first "peer"
  house.folder:write("token", token)
  out(house:within("a", "join", "token", "--listen", "127.0.0.1:0"))
  local child = house:serve "a"
  child:expect "is connected"
  house:shell "mkdir -p tree/sub; echo one > tree/one; echo two > tree/sub/two; ln -s one tree/link"
  out(house:within("a", "put", "-r", "tree", "-q"))
  return child
end

local function stop(house, name, child)
  out(house:run(name, "stop"))
  child:wait()
end

local TREE = "tree/\ntree/link\ntree/one\ntree/sub/\ntree/sub/two\n"

-- A new root listed what had come back so far: nothing.

describe("a root that was recovered", function()
  it("lists at once all that there is, and gets all of it back", function()
    local house <close> = commands.house()
    stop(house, "a", make(house))
    house.folder:write("kept", house:read("a", "identity"))
    house:shell "chmod 600 kept"
    local made = out(house:within("b", "recover", "token", "--identity", "kept", "--listen", "127.0.0.1:0"))
    assert.matches("\n5 objects are listed, from 1 peer: ls shows them, and get brings them here%.\n", made)
    local result = house:run("b", "ls")
    assert.same({ 0, TREE }, { result.status, result.out })
    assert.matches("^filo ls: 5 of these are not here %(%-l marks what is%): 'filo get' fetches them", result.err)
    local items = listed(out(house:run("b", "ls", "--json")))
    assert.same({ false, 4, "listed" }, { items["tree/one"].here, items["tree/one"].size, items["tree/one"].from })
    assert.equal("", house:shell "find b/objects -type f")
    assert.matches("copy       not here; peers have listed it", out(house:run("b", "stat", "tree/one")))
    local child = house:serve "b"
    child:expect "is connected"
    assert.matches("copy       at peers only", out(house:run("b", "stat", "tree/one")))
    house:shell "mv tree stored"
    out(house:within("b", "get", "-r", "tree", "-q"))
    assert.equal("", house:shell "diff -r stored tree && test tree/one -nt /nowhere && readlink tree/link | grep -v one")
    assert.equal(TREE, out(house:run("b", "ls")))
    assert.matches("4 B  [%d-]+ [%d:]+  here  tree/one\n", out(house:run("b", "ls", "-l", "tree/one")))
    stop(house, "b", child)
  end)

  it("says so to programs", function()
    local house <close> = commands.house()
    stop(house, "a", make(house))
    house.folder:write("kept", house:read("a", "identity"))
    house:shell "chmod 600 kept"
    local made = out(house:within("b", "recover", "token", "--identity", "kept", "--listen", "127.0.0.1:0", "--json"))
    assert.same({ objects = 5, peers = 1 }, json.decode(made, 1, nil, nil).listed)
  end)
end)

describe("another machine of the same person", function()
  it("lists at once what there is, gets and deletes it", function()
    local house <close> = commands.house()
    local child = make(house)
    house.folder:write("device", out(house:run("a", "invite", "--device", "--address", child:expect "listens at ([%d.:]+)")))
    assert.matches("\n5 objects are listed, from %d peer", out(house:within("b", "join", "device", "--listen", "127.0.0.1:0")))
    assert.equal(TREE, house:run("b", "ls").out)
    local second = house:serve "b"
    second:expect "is connected"
    house:shell "mv tree stored"
    out(house:within("b", "get", "-r", "tree/sub", "-q"))
    assert.equal("two\n", house:shell "cat tree/sub/two")
    local result = house:run("b", "ls", "-l")
    assert.matches("^filo ls: 3 of these are not here: 'filo get'", result.err)
    assert.matches("  here  tree/sub/two\n", result.out)
    assert.matches("  %-     tree/one\n", result.out)
    assert.equal("good tree/sub/\ngood tree/sub/two\n", out(house:run("b", "verify", "-r", "tree")))
    assert.matches("^tree/one: 4 B.*this node +.-none.*peer +.-good", (house:run("b", "why", "-r", "tree/one").out:gsub("missing", "none")))
    house:run("b", "rm", "-r", "tree", "-q") -- the keeper, to whom b is not connected, does not know of it yet
    assert.equal("", out(house:run("b", "ls")))
    assert.equal("", out(house:run("a", "ls")))
    stop(house, "b", second)
    stop(house, "a", child)
  end)
end)

describe("filo rm --here", function()
  it("leaves in the list what is at peers, and get brings it back", function()
    local house <close> = commands.house()
    local child = make(house)
    out(house:run("a", "rm", "--here", "-r", "tree/sub", "-q"))
    local function check()
      local items = listed(out(house:run("a", "ls", "--json")))
      assert.same({ true, false, false }, { items["tree/one"].here, items["tree/sub/two"].here, items["tree/sub/"].here })
      local stat = json.decode(out(house:run("a", "stat", "tree/sub/two", "--json")), 1, nil, nil)
      assert.is_false(stat.here)
    end
    check()
    local result = house:run("a", "rm", "--here", "-r", "tree/sub", "-q")
    assert.same({ 3, "filo rm: nothing here is named 'tree/sub'\n" }, { result.status, result.err })
    child:kill "KILL"
    child:wait()
    child = house:serve "a"
    child:expect "is connected"
    check()
    house:shell "rm -r tree"
    out(house:within("a", "get", "-r", "tree", "-q"))
    assert.equal("one\ntwo\n", house:shell "cat tree/one tree/sub/two")
    assert.equal(TREE, out(house:run("a", "ls")))
    out(house:run("a", "rm", "--here", "tree/one", "-q"))
    out(house:within("a", "get", "-r", "tree", "-q")) -- all of it is there already
    stop(house, "a", child)
  end)
end)

describe("filo ls --conflicts", function()
  it("lists what was kept of two versions, and beside what", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", free_address())
    local first = house:serve "a"
    house.folder:write("device", house:run("a", "invite", "--device").out)
    for _, key in ipairs { "key", "other" } do house:feed("content", "a", "put", "-", "-k", key) end
    out(house:within("b", "join", "device", "--listen", "127.0.0.1:0"))
    local second = house:serve "b"
    second:expect "is connected"
    assert.equal("content", house:run("b", "get", "key", "-o", "-").out)
    stop(house, "a", first)
    assert.equal(4, house:feed("of b", "b", "put", "-", "-k", "key").status)
    stop(house, "b", second)
    first = house:serve "a"
    house:feed("of a", "a", "put", "-", "-k", "key")
    second = house:serve "b"
    second:expect "is connected"
    assert.equal("", out(house:run("a", "ls", "--conflicts")))
    assert.equal("of a", house:run("b", "get", "key", "-o", "-").out)
    local text = out(house:run("b", "ls", "--conflicts"))
    assert.matches("^key %(conflict %x+ [%d-]+ [%d:]+%)  was kept beside key\n$", text)
    assert.matches("^ +4 B  [%d-]+ [%d:]+  here  key %(conflict", out(house:run("b", "ls", "--conflicts", "-l")))
    assert.equal("", out(house:run("b", "ls", "--conflicts", "other")))
    local items, key = listed(out(house:run("b", "ls", "--json"))), text:match "^key %([^)]+%)"
    assert.same({ "key", true }, { items[key].conflict, items.key.conflict == nil })
    stop(house, "b", second)
    stop(house, "a", first)
  end)
end)
