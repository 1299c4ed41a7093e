local commands = require "spec.support.commands"
local filo = require "filo"
local interruptible = require "spec.support.interruptible"
local json = require "filo.dkjson"
local notify_socket = require "spec.support.notify_socket"
local process = require "spec.support.process"

---A root with a node that listens at a port of its own.
local function made(house, name)
  house:run(name, "init", "--listen", "127.0.0.1:0")
end

describe("filo serve", function()
  it("ends with 0 on SIGTERM and SIGINT, and gives the root free", function()
    local house <close> = commands.house()
    made(house, "a")
    for _, signal in ipairs { "TERM", "INT" } do
      local child = house:serve "a"
      child:kill(signal)
      local result = child:wait()
      assert.equal(0, result.status)
      assert.equal("", result.out)
      assert.matches("info    stops: SIG" .. signal .. "\n", result.err)
      assert.matches("^closed[ %x]*\n$", house:read("a", "lock"))
    end
  end)

  it("ends while a peer is connected that says nothing", function()
    local house <close> = commands.house()
    made(house, "a")
    local child, address = house:serve "a"
    local connection <close> = assert(filo.dial(address))
    assert(connection:remote())
    child:kill "TERM"
    assert.equal(0, child:wait().status)
  end)

  it("ends though a task in it will not", function()
    local house <close> = commands.house()
    house.module = "spec.support.hasty"
    for _, start in ipairs { "filo.spawn(stay)", "filo.nodes()[1]:spawn(stay)", "getmetatable(filo.nodes()[1]).close = stay" } do
      house:run(start, "init", "--listen", "127.0.0.1:0")
      local child = house:serve(start)
      house:write(start, "node.lua", ([[
        local filo = require "filo"
        local function stay()
          while true do pcall(filo.sleep, 1000) end
        end
        %s
        return { listen = "127.0.0.1:0" }
      ]]):format(start))
      child:kill "HUP"
      child:expect "read again"
      child:kill "TERM"
      assert.equal(0, child:wait().status)
    end
  end)

  it("refuses a root that is served already, and says by whom", function()
    local house <close> = commands.house()
    made(house, "a")
    local child = house:serve "a"
    local result = house:run("a", "serve")
    assert.equal(1, result.status)
    assert.equal(("filo serve: the root %s is in use by process %s: stop it, or choose another root\n"):format(house:root "a", child.pid),
      result.err)
  end)

  it("says in which file and line node.lua is wrong", function()
    local house <close> = commands.house()
    made(house, "a")
    local file = house:root "a" .. "/node.lua"
    for text, told in pairs {
      ["return {\n  listen = \n}"] = file .. ":3: unexpected symbol near '}'",
      ["local x\nx.y = 1"] = file .. ":2: attempt to index a nil value (local 'x')",
      ["return 5"] = file .. ": it must return a table of options, not a number",
      ["return { listn = '127.0.0.1:0' }"] = file .. ": unknown option 'listn'; did you mean 'listen'?",
      ["return { listen = 5 }"] = file .. ": option 'listen' must be a string, not a number",
      ["return { log_level = 'loud' }"] = file .. ": log_level must be one of: error, warning, info",
      ["return { policy = { plaze = print } }"] = file .. ": policy: unknown field 'plaze'; did you mean 'place'?",
      ["error({})"] = file .. ": it raised a table that cannot be shown",
    } do
      house:write("a", "node.lua", text)
      local result = house:run("a", "serve")
      assert.equal(1, result.status)
      assert.equal("", result.out)
      assert.equal("filo serve: " .. told, result.err:sub(1, #told + 12))
      assert.equal(1, select(2, result.err:gsub("\n", "")), "one line: " .. result.err)
    end
  end)

  it("says when it cannot listen, or the secret is missing its file", function()
    local house <close> = commands.house()
    made(house, "a")
    local _, address = house:serve "a"
    house:run("b", "init", "--listen", address)
    local result = house:run("b", "serve")
    assert.equal(1, result.status)
    assert.matches("^filo serve: cannot listen at " .. address:gsub("%p", "%%%0") .. ": .*in use", result.err)
    house:write("b", "cluster", "short")
    result = house:run("b", "serve")
    assert.equal(1, result.status)
    assert.matches("the cluster secret in .* is too short", result.err)
  end)

  it("wants a level that there is", function()
    local house <close> = commands.house()
    assert.equal(2, house:run("a", "serve", "--log-level", "loud").status)
  end)

  it("gives node.lua the root, and takes a secret from there over the file", function()
    local house <close> = commands.house()
    made(house, "a")
    house:write("a", "node.lua", "local root = ...\nprint(root)\nreturn { cluster = 'short' }")
    local result = house:run("a", "serve")
    assert.equal(house:root "a" .. "\n", result.out)
    assert.matches("'cluster' must have at least 8 bytes", result.err)
  end)
end)

describe("the log of filo serve", function()
  ---What a node tells that joins another and stores something there; `...` are its options.
  local function told(house, ...)
    local _, text = house:first "a"
    house:feed(text:match "%S+", "b", "join", "-", "--listen", "127.0.0.1:0")
    local child = house:serve("b", ...)
    child:expect "is connected"
    child:kill "TERM"
    return child:wait().err
  end

  it("is a line for each event", function()
    local house <close> = commands.house()
    local log = told(house)
    for line in log:gmatch "[^\n]+" do assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ info    %S", line) end
    for _, event in ipairs { "listens at", "peer %x+ at [%d.:]+ is connected", "stops: SIGTERM", "is gone: the node was closed" } do
      assert.matches(event, log)
    end
  end)

  it("is JSON with --log-json", function()
    local house <close> = commands.house()
    made(house, "b")
    local child = house:start("b", "serve", "--log-json")
    child:expect '"event":"started"'
    child:kill "TERM"
    local events = {}
    for line in child:wait().err:gmatch "[^\n]+" do
      local entry = assert(json.decode(line))
      events[#events + 1] = entry.event
      assert.equal("info", entry.level)
      assert.matches("^%d%d%d%d%-.*Z$", entry.time)
      assert.is_string(entry.message)
    end
    assert.same({ "started", "stopping" }, events)
  end)

  it("has a line of its own for nothing that others say", function()
    local house <close> = commands.house()
    made(house, "a")
    house:write("a", "node.lua", [[
      return {
        listen = "127.0.0.1:0", admit = function() return true end,
        start = function(node)
          node:on("peer_up", function(peer) error(peer.about.note) end)
        end,
      }
    ]])
    local child, address = house:serve "a"
    local node <close> = assert(filo.node {
      root = house:root "b", about = { note = "\n2026 forged\27[2J" }, admit = function() return true end, log = function() end,
    })
    assert(node:connect(address))
    child:expect "forged"
    local _, log = child:output()
    assert.matches("\\x0a2026 forged\\x1b[2J", log, 1, true)
    assert.is_nil(log:find "\n2026 forged")
  end)
end)

describe("SIGHUP to filo serve", function()
  it("takes over what node.lua says now", function()
    local house <close> = commands.house()
    local _, _, id, address = house:first "a"
    made(house, "b")
    local child = house:serve "b"
    house:write("b", "node.lua", ([[
      return { listen = "127.0.0.1:0", cluster = %q, bootstrap = { %q }, log_level = "info" }
    ]]):format(house:read("a", "cluster"):match "%S+", address))
    child:kill "HUP"
    child:expect "info    node.lua was read again"
    child:expect("peer " .. id:sub(1, 16) .. " at [%d.:]+ is connected")
  end)

  it("leaves the node as it is when node.lua is wrong, and says where", function()
    local house <close> = commands.house()
    local _, text = house:first "a"
    house:feed(text:match "%S+", "b", "join", "-", "--listen", "127.0.0.1:0")
    local child = house:serve "b"
    child:expect "is connected"
    local good = house:read("b", "node.lua")
    for wrong, told in pairs {
      ["return {\n  bootstrap = {},\n  policy = 5 + nil }"] = ":3: attempt to perform",
      ["return { bootstrap = {}, policy = 5 }"] = ": option 'policy' must be a table",
      ["("] = ":1: unexpected symbol",
    } do
      house:write("b", "node.lua", wrong)
      child:kill "HUP"
      child:expect("error   node.lua is not taken over, the node goes on as it is: [^\n]*node.lua" .. told)
    end
    house:write("b", "node.lua", good)
    child:kill "HUP"
    child:expect "node.lua was read again"
    assert.is_nil(select(2, child:output()):find "is gone")
  end)

  it("says what waits for a restart", function()
    local house <close> = commands.house()
    made(house, "a")
    local child = house:serve "a"
    house:write("a", "node.lua", "return { listen = '127.0.0.1:1', durability = 'group', about = { zone = 'x' } }")
    child:kill "HUP"
    child:expect "warning node.lua has other values for durability, listen: they wait for a restart\n"
  end)

  it("hands the node to the start of node.lua", function()
    local house <close> = commands.house()
    made(house, "a")
    house:write("a", "node.lua", [[
      local filo = require "filo"
      return { listen = "127.0.0.1:0", start = function(node)
        node:on("stored", function(object) io.stderr:write("hook: ", object.key, "\n") end)
        filo.spawn(function() io.stderr:write("task: ", #node:peers(), "\n") end)
      end }
    ]])
    local child = house:serve "a"
    child:expect "task: 0"
    house:feed("x", "a", "put", "-", "-k", "k")
    child:expect "hook: k"
    child:kill "TERM"
    assert.equal(0, child:wait().status)
    house:write("a", "node.lua", "return { start = function() error 'broken' end }")
    local result = house:run("a", "serve")
    assert.equal(1, result.status)
    assert.matches("node.lua: start failed: .*node.lua:1: broken", result.err)
    house:write("a", "node.lua", "return { start = 5 }")
    assert.matches("start must be a function", house:run("a", "serve").err)
  end)

  it("changes the level of the log, unless the command line says one", function()
    local house <close> = commands.house()
    made(house, "a")
    local child = house:serve "a"
    house:write("a", "node.lua", "return { log_level = 'warning', listen = '127.0.0.1:1' }")
    child:kill "HUP"
    child:expect "wait for a restart"
    child:kill "TERM"
    local log = child:wait().err
    assert.is_nil(log:find "read again")
    assert.is_nil(log:find "stops")

    local socket <close> = notify_socket(house:root "socket")
    local quiet <close> = process.start {
      "serve", "--log-level", "warning", env = { FILO_ROOT = house:root "a", NOTIFY_SOCKET = socket.address },
    }
    socket:expect "READY=1"
    house:write("a", "node.lua", "return { log_level = 'info', durability = 'none' }")
    quiet:kill "HUP"
    quiet:expect "wait for a restart"
    quiet:kill "TERM"
    assert.is_nil(quiet:wait().err:find " info ")
  end)
end)

describe("the service manager", function()
  for _, kind in ipairs { "file", "name" } do
    it("is told when the node is ready, reloads and stops, by a socket's " .. kind, function()
      local house <close> = commands.house()
      made(house, "a")
      local path = kind == "file" and house:root "socket" or ("@filo-spec-%s"):format(filo.crypto.hex(filo.crypto.random(8)))
      local socket <close> = notify_socket(path)
      local child <close> = process.start { "serve", env = { FILO_ROOT = house:root "a", NOTIFY_SOCKET = socket.address } }
      socket:expect "^bound\nREADY=1\n%-%-\n$"
      child:expect "listens at"
      child:kill "HUP"
      socket:expect "RELOADING=1\nMONOTONIC_USEC=%d+\n%-%-\nREADY=1\n%-%-\n$"
      child:kill "TERM"
      socket:expect "STOPPING=1\n%-%-\n$"
      assert.equal(0, child:wait().status)
    end)
  end

  it("that is not there costs a warning", function()
    local house <close> = commands.house()
    made(house, "a")
    for path, problem in pairs { [house:root "none"] = "No such file", relative = "NOTIFY_SOCKET is no address" } do
      local child <close> = process.start { "serve", env = { FILO_ROOT = house:root "a", NOTIFY_SOCKET = path } }
      child:expect("warning .*" .. problem)
      child:kill "TERM"
      assert.equal(0, child:wait().status)
    end
  end)
end)

local STUBBORN = [[io.stderr:write "computes\n" while true do pcall(function() while true do end end) end]]

-- A node.lua that never ended, read again at SIGHUP, stopped the whole node: it served nobody, and SIGTERM did not end it.
describe("a node.lua that computes for ever", function()
  (interruptible and it or pending)("is given up at SIGHUP, and the node goes on as it is", function()
    local house <close> = commands.house()
    house.module = "spec.support.hasty"
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:write("a", "node.lua", "while true do end")
    child:kill "HUP"
    child:expect "node%.lua is not taken over[^\n]+node%.lua:1: [^\n]+too long"
    assert.equal(0, house:run("a", "status").status)
    child:kill "TERM"
    assert.equal(0, child:wait().status)
  end)

  for what, text in pairs {
    ["as it is read"] = STUBBORN,
    ["in its start"] = "return { start = function() " .. STUBBORN .. " end }",
  } do
    (interruptible and it or pending)("is given up when the node starts, " .. what, function()
      local house <close> = commands.house()
      house.module = "spec.support.hasty"
      house:run("a", "init", "--listen", "127.0.0.1:0")
      house:write("a", "node.lua", text)
      local result = house:run("a", "serve")
      assert.equal(1, result.status)
      assert.matches("filo serve: [^\n]+node%.lua:1: stopped: it computed for too long without waiting\n$", result.err)
    end);

    (interruptible and it or pending)("is ended by SIGTERM, which says where, " .. what, function()
      local house <close> = commands.house()
      house:run("a", "init", "--listen", "127.0.0.1:0")
      house:write("a", "node.lua", text)
      local child = house:start("a", "serve")
      child:expect "computes"
      child:kill "TERM"
      local result = child:wait()
      assert.equal(143, result.status)
      assert.matches("node%.lua:1: interrupted\n", result.err)
    end)
  end
end)

describe("filo status", function()
  it("says so when the node does not answer", function()
    local house <close> = commands.house()
    house.module = "spec.support.hasty"
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local silent = assert(filo.listen("unix:" .. house:root "a" .. "/control"))
    local result = house:run("a", "status")
    silent:close()
    assert.equal(1, result.status)
    assert.matches("^filo status: the node on %S+ has not answered for 0.3 s: ", result.err)
  end)
end)

-- A node that was told to stop while node.lua, read again, waited for something said that node.lua was wrong.
describe("filo serve", function()
  it("stops without blaming a node.lua that waits", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:write("a", "node.lua", [[io.stderr:write "it waits\n" require("filo").sleep(1000) return {}]])
    child:kill "HUP"
    child:expect "it waits"
    child:kill "TERM"
    local result = child:wait()
    assert.equal(0, result.status)
    assert.not_matches("not taken over", result.err)
  end)
end)

-- SIGHUP ended a node that was not ready yet: while the `start` of its node.lua ran, say.

local OPTIONS = [[
local filo, root = require "filo", ...
return {
  start = function()
    io.stderr:write "it starts\n"
    while not io.open(root .. "/go") do filo.sleep(0.01) end
  end,
}
]]

describe("SIGHUP", function()
  it("to a node that starts makes it read node.lua as soon as it runs", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", OPTIONS)
    local child = house:start("a", "serve")
    child:expect "it starts"
    child:kill "HUP"
    house:write("a", "go", "")
    child:expect "node.lua was read again"
    child:kill "TERM"
    assert.equal(0, child:wait().status)
  end)
end)
