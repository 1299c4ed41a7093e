-- What makes no sense on a command line was taken: an empty folder stood for "/", a folder was ignored beside --output, an empty list
-- meant no faults. And `filo --nooption` ended as a script that fails does.

local commands = require "spec.support.commands"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local function check(message, result)
  assert.same({ 2, "" }, { result.status, result.out })
  assert.matches(message, result.err, 1, true)
end

describe("a command line that makes no sense", function()
  it("has an empty value", function()
    local function refused(message, ...) check("filo " .. (...) .. ": " .. message .. "\nUsage: ", process.run { ... }) end
    refused("--output is empty", "get", "k", "-o", "")
    refused("--directory is empty", "get", "k", "-d", "")
    refused("--root is empty", "status", "--root=")
    refused("--key is empty", "put", "x", "-k", "")
    refused("the argument path is empty", "put", "x", "")
    for _, command in ipairs { "stat", "rm", "why", "verify" } do refused("the argument key is empty", command, "") end
    refused("the argument scheme is empty", "sim", "")
    refused("the argument topic is empty", "help", "")
    check("filo get: a key is empty: -r gets every object\n", process.run { "get", "k", "" })
  end)

  it("has options that exclude each other", function()
    check("option '-d' can not be used together with option '-o'", process.run { "get", "k", "-o", "-", "-d", "x" })
    for _, more in ipairs { "policy.lua", "--trace", "--nodes=3", "--hours=1", "--seed=1", "--faults=none" } do
      check("filo sim: --bench goes without a policy and other options\n", process.run { "sim", "--bench", more })
    end
  end)

  it("has a list with nothing between its commas", function()
    for _, list in ipairs { "", "kill,", ",kill", "kill,,rot" } do
      check("filo sim: --faults", process.run { "sim", "--faults", list })
    end
  end)

  it("has an address that others cannot reach", function()
    for _, address in ipairs { "1.2.3.4:0", "0.0.0.0:7171", ":7171" } do
      check(("filo invite: others cannot reach '%s'"):format(address), process.run { "invite", "--address", address })
    end
  end)

  it("has no script, no code or no root where one belongs", function()
    for _, line in ipairs { "--nooption", "-e", "-l", "-i --attach", "--attach", "--attach a status" } do
      local words = {}
      for word in line:gmatch "%S+" do words[#words + 1] = word end
      check("\nusage: filo ", process.run(words))
    end
    check("filo: '--attach' needs the root of a running node\n", process.run { "--attach", "" })
    check("filo: the name of a script or command is empty\nusage: filo ", process.run { "" })
  end)
end)

describe("a command whose root is none", function()
  it("says how one is made", function()
    local house <close> = commands.house()
    house.folder:write("file", "no root")
    for _, root in ipairs { "none", "file" } do
      local result = house:within("a", "status", "--root", root)
      assert.equal(5, result.status)
      assert.equal(("filo status: there is no node in %s: make one with 'filo init', or with 'filo join' and a token\n"):format(root),
        result.err)
    end
  end)
end)

describe("an error value without a text", function()
  it("is not shown as an address", function()
    local house <close> = commands.house()
    house:run("a", "init")
    house:write("a", "node.lua", "error {}")
    local result = house:run("a", "serve")
    assert.same({ 1, ("filo serve: %s/node.lua: it raised a table that cannot be shown\n"):format(house:root "a") },
      { result.status, result.err })
  end)
end)

describe("a cluster secret that cannot be read", function()
  it("is told with its file", function()
    local folder <close> = temp.folder()
    local result = process.run { "scripts/peer.lua", folder:file "root", "127.0.0.1:0", env = { FILO_SECRET_FILE = folder.path } }
    assert.same({ 1, ("peer.lua: cannot read the cluster secret in %s: Is a directory\n"):format(folder.path) },
      { result.status, result.err })
  end)
end)

describe("a script that is given an empty argument", function()
  it("says how it is used", function()
    for _, name in ipairs { "peer", "mirror-folder", "edge-cache", "two-copies-by-free-space" } do
      local result = process.run { "scripts/" .. name .. ".lua", "", "127.0.0.1:0", "127.0.0.1:1", "127.0.0.1:0" }
      assert.equal(2, result.status)
      assert.matches(name .. ".lua: an argument is empty\n\n", result.err, 1, true)
    end
  end)
end)
