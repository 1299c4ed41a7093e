local commands = require "spec.support.commands"
local json = require "filo.dkjson"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

---The files of objects of at least so many KiB in a node's root.
local function files(house, name, kib)
  local pipe <close> = io.popen(("find %s -type f -size +%dk"):format(temp.quote(house:root(name) .. "/objects"), kib or 0))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

---A house in which b keeps what a stores.
local function two(house)
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  local token = house:run("a", "invite").out
  assert.equal(0, house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0").status)
  house:serve "b"
  nodes.wait(function() return house:run("a", "peers").out ~= "" end, "peer")
end

describe("filo verify --all", function()
  it("reads everything that lies here, others' copies too, and a running node heals what is bad", function()
    local house <close> = commands.house()
    two(house)
    house:feed(("x"):rep(100000), "a", "put", "-", "-k", "k")
    for _, name in ipairs { "a", "b" } do
      local result = house:run(name, "verify", "--all")
      assert.same({ 0, "1 object, 97.7 KiB: all good\n", "" }, { result.status, result.out, result.err })
      nodes.flip(files(house, name, 50)[1], 5000)
      result = house:run(name, "verify", "--all")
      assert.same({ 0, "1 object, 97.7 KiB: 1 bad, 1 healed\n", "" }, { result.status, result.out, result.err })
      assert.matches("\nscrub     last round ended 20%d%d%-.*: 1 object, 97.7 KiB, 1 bad, 1 healed\n", house:run(name, "status").out)
      assert.equal("", house:run(name, "verify", "--all", "-q").out)
      local report = json.decode(house:run(name, "verify", "--all", "--json").out)
      assert.same({ 1, 0, 0 }, { report.objects, report.bad, report.wanted })
    end
    assert.equal("good k\n", house:run("a", "verify").out)
  end)

  it("says what is bad and cannot be healed, as status and why do, and their exit statuses", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:feed(("x"):rep(100000), "a", "put", "-", "-k", "k")
    assert.equal(0, house:run("a", "status").status)
    nodes.flip(files(house, "a", 50)[1], 5000)
    local result = house:run("a", "verify", "--all")
    assert.equal(1, result.status)
    assert.matches("^1 object, 97.7 KiB: 1 bad; of 1 bad copy no other was to be had yet: 'filo status' tells more\n$", result.out)
    result = house:run("a", "status")
    assert.equal(4, result.status)
    assert.matches("\nwanted    1 copy is bad here, and no other was to be had yet\n", result.out)
    assert.matches("\nwanted    k: 'k' is not here, and no peers are connected to ask; again in %d", result.out)
    result = house:run("a", "why", "k")
    assert.equal(4, result.status)
    assert.matches("\nbad here since 20%d%d%-.*; another one was not to be had: .*; again in %d", result.out)
    child:kill "TERM"
    child:wait()
    result = house:run("a", "verify", "--all") -- by a node that is opened for this
    assert.same({ 1, "" }, { result.status, result.err })
    assert.matches("^0 objects, 0 B: 0 bad; of 1 bad copy", result.out)
    assert.equal(2, house:run("a", "verify", "--all", "k").status)
  end)
end)
