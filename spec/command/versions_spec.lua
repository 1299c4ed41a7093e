---`filo versions` and `filo get --version`: what was there before could not be had any more.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"

local KEEPS = "policy = filo.policy.with({ keep_versions = 2 }, filo.policy.everywhere)"

describe("filo versions", function()
  it("lists old versions, here and at peers, which filo get writes to files", function()
    local house <close> = commands.house()
    local child, token = house:first "a"
    house:write("a", "node.lua", (house:read("a", "node.lua"):gsub("policy = filo.policy.everywhere", KEEPS, 1)))
    assert.equal(0, house:run("a", "reload").status)
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve "b"
    child:expect "is connected"
    for i = 1, 4 do house:feed("content " .. i, "a", "put", "-", "-k", "key") end
    local function run(...)
      local result = house:within("a", ...)
      return { result.status, result.out, result.err }
    end
    local lines, versions = run("versions", "key")[2], {}
    for version in lines:gmatch "(%d+)  %d+%-%d%d%-%d%d %d%d:%d%d:%d%d         9 B  here[^\n]*\n" do versions[#versions + 1] = version end
    assert.equal(2, #versions)
    local item = json.decode(run("versions", "key", "--json")[2], 1, nil, nil)
    assert.same({ math.tointeger(versions[1]), 9, true }, { item.version, item.size, item.here })
    assert.same({ 0, "content 3", "" }, run("get", "key", "--version", versions[1], "-o", "-"))
    assert.equal(0, run("get", "key", "--version", versions[2], "-o", "old", "-q")[1])
    assert.equal("content 2", house.folder:read "old")
    assert.matches("kept neither here nor at a connected peer", run("get", "key", "--version", "1024", "-o", "x")[3])
    assert.equal(2, run("get", "key", "key2", "--version", "1024")[1])
    assert.equal(2, run("get", "key", "--version", "x")[1])
    assert.matches("objects?, 9 B, and 2 old versions, 18 B\n", run "status"[2])
    house:shell "rm -r a/versions/*"
    assert.same({ 0, "" }, { table.unpack(run("get", "key", "--version", versions[1], "-o", "again", "-q"), 1, 2) })
    assert.equal("content 3", house.folder:read "again")
    child:kill "TERM"
    child:wait()
    assert.matches("no old version of 'key' is kept", run("versions", "key")[3])
    assert.equal(3, run("versions", "nothing")[1])
  end)
end)
