---`filo share --for`, `filo readers` and `filo forget-reader`: who was given what, and that one of them reads no longer.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"
local lfs = require "lfs"

local function out(result)
  assert.equal("", result.err)
  assert.equal(0, result.status)
  return result.out
end

---A node, and two others that have what it shares: bob all, anna two objects.
local function family(house)
  local a, token = house:first "a"
  for _, name in ipairs { "bob", "anna" } do
    house:feed(token, name, "join", "-", "--listen", "127.0.0.1:0")
    house:serve(name)
    a:expect "is connected"
  end
  for _, key in ipairs { "one", "two" } do out(house:feed("content of " .. key, "a", "put", "-", "-k", key)) end
  out(house:feed(out(house:run("a", "share", "--all", "--for", "bob")), "bob", "accept", "-", "--name", "friend"))
  for _, key in ipairs { "one", "two" } do
    out(house:feed(out(house:run("a", "share", key, "--for", "anna")), "anna", "accept", "-", "--name", "friend"))
  end
end

local function reads(house, name, key) return house:run(name, "get", "--of", "friend", key, "-o", "-") end

describe("filo forget-reader", function()
  it("shuts one out and prints what the others are to accept", function()
    local house <close> = commands.house()
    family(house)
    local list = out(house:run("a", "readers"))
    assert.matches("^anna +%d+%-%d+%-%d+ %d+:%d+:%d+ +one\nanna .* two\nbob .* all objects\n$", list)
    local done = out(house:run("a", "forget-reader", "bob"))
    local lines = done:match "^for anna, to be given to 'filo accept %-' there:\n(filo%-read%-one%.%g+\nfilo%-read%-one%.%g+\n)The keys"
    assert.matches("keeps what he has read", done)
    out(house:feed("later", "a", "put", "-", "-k", "one"))
    assert.matches("share it anew", reads(house, "bob", "one").err)
    assert.matches("share it anew", reads(house, "anna", "one").err)
    local accepted = out(house:feed(lines, "anna", "accept", "-"))
    assert.equal(2, select(2, accepted:gsub("namespace friend, of %x+: single objects of it can be read", "")))
    assert.equal("later", out(reads(house, "anna", "one")))
    assert.equal("content of two", out(reads(house, "anna", "two")))
    assert.matches("^anna .* one\nanna .* two\n$", out(house:run("a", "readers")))
    assert.not_matches("old", out(house:run("a", "readers")))
    out(house:run("a", "rotate", "-q"))
    assert.matches("^anna .* old  one\n", out(house:run("a", "readers")))
    local unknown = house:run("a", "forget-reader", "bob")
    assert.equal(1, unknown.status)
    assert.matches("nothing is noted of a reader 'bob'", unknown.err)
  end)

  it("writes files for them that nobody else may read, and nothing over what is there", function()
    local house <close> = commands.house()
    family(house)
    lfs.mkdir(house.folder:file "full")
    house.folder:write("full/file", "x")
    assert.equal(2, house:run("a", "forget-reader", "bob", "-d", house.folder:file "full").status)
    assert.matches("bob", out(house:run("a", "readers")))
    local folder = house.folder:file "new"
    local done = out(house:run("a", "forget-reader", "bob", "-d", folder))
    assert.matches("^for anna: .*/new/anna, for 'filo accept .*/new/anna' there\n", done)
    assert.is_nil(done:find("filo-read-one.", 1, true))
    assert.equal("rwx------", lfs.attributes(folder, "permissions"))
    assert.equal("rw-------", lfs.attributes(folder .. "/anna", "permissions"))
    out(house:run("anna", "accept", folder .. "/anna"))
    assert.equal("content of one", out(reads(house, "anna", "one")))
  end)

  it("tells programs, too, and does without a running node", function()
    local house <close> = commands.house()
    family(house)
    house:run("a", "stop")
    local text = out(house:run("a", "forget-reader", "bob", "--json"))
    local entries = {}
    for line in text:gmatch "[^\n]+" do entries[#entries + 1] = assert(json.decode(line)) end
    assert.same({ 2, "anna", "one", 1 }, { #entries, entries[1].reader, entries[1].key, entries[1].generation })
    assert.matches("^filo%-read%-one%.", entries[2].capability)
    assert.equal("one", json.decode((out(house:run("a", "readers", "--json")):match "[^\n]+")).key)
  end)
end)
