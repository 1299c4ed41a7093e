local commands = require "spec.support.commands"
local filo = require "filo"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local function mode(path)
  local pipe <close> = assert(io.popen("stat -c %a " .. temp.quote(path)))
  return pipe:read "l"
end

describe("filo init", function()
  it("makes a root that others cannot read, and says how to go on", function()
    local house <close> = commands.house()
    local result = house:run("a", "init")
    assert.equal("", result.err)
    assert.equal(0, result.status)
    local id = result.out:match "^node (%x+)\n"
    assert.equal(64, #id)
    assert.matches("filo serve .*filo invite ", result.out)
    assert.matches("^owner " .. id .. "\n", house:read("a", "filo-root"):match "\n(.*)")
    assert.matches("^%x+\n$", house:read("a", "cluster"))
    assert.equal(65, #house:read("a", "cluster"))
    assert.equal("700", mode(house:root "a"))
    for _, name in ipairs { "identity", "cluster", "node.lua" } do assert.equal("600", mode(house:root "a" .. "/" .. name)) end
  end)

  it("writes a node.lua that is a Lua script and returns the node's options", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local options = assert(loadfile(house:root "a" .. "/node.lua"))()
    assert.equal("127.0.0.1:0", options.listen)
    assert.equal("info", options.log_level)
    options.log_level, options.root = nil, house:root "a"
    local node <close> = assert(filo.node(options))
    assert.matches("^127", node.address)
  end)

  it("replaces nothing", function()
    local house <close> = commands.house()
    house:run("a", "init")
    local identity, secret = house:read("a", "identity"), house:read("a", "cluster")
    local result = house:run("a", "init", "--listen", "127.0.0.1:1")
    assert.equal(1, result.status)
    assert.equal("", result.out)
    assert.equal(("filo init: there is a node in %s already: choose another folder with --root\n"):format(house:root "a"), result.err)
    assert.equal(identity, house:read("a", "identity"))
    assert.equal(secret, house:read("a", "cluster"))
  end)

  it("goes on where it was interrupted, and with the identity of a node that a script made", function()
    local house <close> = commands.house()
    local id = house:run("a", "init").out:match "^node (%x+)"
    local secret = house:read("a", "cluster")
    os.remove(house:root "a" .. "/node.lua")
    assert.equal(id, house:run("a", "init").out:match "^node (%x+)")
    assert.equal(secret, house:read("a", "cluster"))
  end)

  it("makes no new identity where one was lost", function()
    local house <close> = commands.house()
    house:run("a", "init")
    for _, name in ipairs { "identity", "node.lua" } do os.remove(house:root "a" .. "/" .. name) end
    local result = house:run("a", "init")
    assert.equal(1, result.status)
    assert.matches("restore that file from a copy\n$", result.err)
    assert.is_nil(io.open(house:root "a" .. "/identity"))
  end)

  it("takes no folder with something else in it", function()
    local house <close> = commands.house()
    os.execute("mkdir " .. temp.quote(house:root "a"))
    house:write("a", "letter", "dear")
    local result = house:run("a", "init")
    assert.equal(1, result.status)
    assert.matches("letter", result.err)
    assert.equal("dear", house:read("a", "letter"))
    assert.is_nil(io.open(house:root "a" .. "/identity"))
  end)

  it("wants an address to listen at", function()
    local house <close> = commands.house()
    local result = house:run("a", "init", "--listen", "7171")
    assert.equal(2, result.status)
    assert.matches("no port: write host:port", result.err)
    assert.is_nil(io.open(house:root "a"))
  end)
end)

describe("the root", function()
  local function init(env, ...) return process.run { "init", env = env, ... }.out:match "\nin ([^\n]+)\n" end

  it("is that of --root, else FILO_ROOT, else filo in XDG_DATA_HOME, else in ~/.local/share", function()
    local dir <close> = temp.folder()
    local function path(name) return dir:file(name) end
    local env = { FILO_ROOT = path "environment", XDG_DATA_HOME = path "data", HOME = path "home" }
    assert.equal(path "option", init(env, "--root", path "option"))
    assert.equal(path "environment", init(env))
    env.FILO_ROOT = ""
    assert.equal(path "data/filo", init(env))
    env.XDG_DATA_HOME = "relative"
    assert.equal(path "home/.local/share/filo", init(env))
    env.HOME = ""
    local result = process.run { "init", env = env }
    assert.equal(2, result.status)
    assert.equal("filo init: no root: give --root DIR, or set FILO_ROOT or HOME\n", result.err)
  end)

  it("has a node made by init or join, or the other commands say so", function()
    local house <close> = commands.house()
    for _, name in ipairs { "serve", "invite" } do
      local result = house:run("a", name)
      assert.equal(1, result.status)
      assert.equal(("filo %s: there is no node in %s: make one with 'filo init', or with 'filo join' and a token\n"):format(
        name, house:root "a"), result.err)
    end
  end)
end)

-- `--root ""`, as of a variable that is not set, meant the default root; and of a root below a file `filo init` said that a node was
-- there already.
describe("a root", function()
  it("that is named by nothing is not the default one", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local result = house:run("a", "ls", "--root", "")
    assert.equal(2, result.status)
    assert.matches("%-%-root is empty", result.err)
  end)

  it("below a file cannot be made", function()
    local house <close> = commands.house()
    local file = house.folder:write("file", "")
    local result = house:run("a", "init", "--root", file .. "/root")
    assert.not_equal(0, result.status)
    assert.matches("file/root: Not a directory", result.err)
  end)
end)
