-- A `start` of node.lua that failed after an hour ended the node; os.exit in it did so without a line in the log; and a node that a script
-- had closed left a process that served nothing.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"

---Calls fn(house, child) with `filo serve` of a node with this `start`, of which `...` are further arguments.
local function starting(start, fn, ...)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:write("a", "node.lua", ([[
    local filo, root = require "filo", ...
    return { listen = "127.0.0.1:0", start = function(node)
      %s
    end }]]):format(start))
  return fn(house, house:start("a", "serve", ...))
end

local function ends(status, start)
  return starting(start, function(_, child)
    local result = child:wait()
    assert.equal(status, result.status)
    return result.err
  end)
end

describe("a start of node.lua that fails", function()
  it("before its first wait fails the node's start, and says where", function()
    assert.matches("filo serve: %S+/node.lua: start failed: %S+/node.lua:3: broken\n", ends(1, "error 'broken'"))
    local err = ends(1, "node:on('stored', print) filo.spawn(filo.sleep, 1000) assert(nil, filo.error('io', 'it is broken'))")
    assert.matches("filo serve: %S+/node.lua: start failed: %S+/node.lua:3: it is broken\n", err)
    assert.matches("start failed: %S+/node.lua:3: a table that cannot be shown\n", ends(1, "error {}"))
  end)

  it("later is told of, and the node goes on, with what it has started", function()
    starting([[
      node:on("stored", function(object) io.stderr:write("hook: ", object.key, "\n") end)
      filo.spawn(function()
        while not io.open(root .. "/go") do filo.sleep(0.01) end
        io.stderr:write "task: goes on\n"
      end)
      filo.sleep(0.01)
      assert(nil, filo.error("io", "it is broken"))
    ]], function(house, child)
      child:expect "error   %S+/node.lua: start failed: %S+/node.lua:9: it is broken; the node goes on\n"
      house:feed("x", "a", "put", "-", "-k", "k")
      child:expect "hook: k"
      house:write("a", "go", "")
      child:expect "task: goes on"
      child:kill "TERM"
      assert.equal(0, child:wait().status)
    end)
  end)
end)

describe("a start of node.lua that does not end", function()
  for what, line in pairs { waits = "filo.sleep(math.huge)", ["works in turns"] = "while true do filo.sleep(0) end" } do
    it("keeps nobody from reloading and stopping the node when it " .. what, function()
      starting(line, function(house, child)
        child:expect "listens at"
        assert.equal(0, house:run("a", "reload").status)
        assert.equal(0, house:run("a", "stop").status)
        assert.equal(0, child:wait().status)
      end)
    end)
  end
end)

describe("os.exit in a node.lua", function()
  it("is told of with its line, and ends the node in order", function()
    for place, code in pairs {
      start = "os.exit(3)", task = "filo.spawn(function() filo.sleep(0.01) os.exit(3, true) end)",
      ["what was waited for"] = "filo.sleep(0.01) pcall(os.exit, 3)",
      timer = "filo.every(0.01, os.exit, 3)", sort = "filo.sleep(0.01) table.sort({ 3, 2, 1 }, function() os.exit(3) end)",
    } do
      local house <close> = commands.house()
      house:run("a", "init", "--listen", "127.0.0.1:0")
      house:write("a", "node.lua", ([[
        local filo = require "filo"
        return { listen = "127.0.0.1:0", start = function(node) %s end }]]):format(code))
      local result = house:run("a", "serve")
      assert.equal(3, result.status, place)
      local line = place == "timer" and "" or "%S+/node.lua:2: "
      assert.matches("warning " .. line .. "os.exit%(3%) was called: the node stops\n", result.err)
      assert.matches("info    stops: os.exit\n", result.err)
      assert.matches("^closed[ %x]*\n$", house:read("a", "lock"))
    end
  end)

  it("is told of in what a signal calls", function()
    starting("filo.on_signal('USR1', function() os.exit(4) end) io.stderr:write 'ready'", function(_, child)
      child:expect "ready"
      child:kill "USR1"
      local result = child:wait()
      assert.equal(4, result.status)
      assert.matches("node.lua:3: os.exit%(4%) was called: the node stops\n", result.err)
    end)
  end)

  it("is told of in JSON, and in hooks", function()
    starting("node:on('stored', function() os.exit(false) end)", function(house, child)
      child:expect '"event":"started"'
      house:feed("x", "a", "put", "-", "-k", "k")
      local result = child:wait()
      assert.equal(1, result.status)
      local entry
      for line in result.err:gmatch "[^\n]+" do
        local each = json.decode(line)
        if each.event == "os_exit" then entry = each end
      end
      assert.same({ 1, "warning" }, { entry.status, entry.level })
      assert.matches("/node.lua:3: os.exit%(1%) was called", entry.message)
    end, "--log-json")
  end)

  it("is told of as the file is read, the first time and again", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:write("a", "node.lua", "os.exit(7)")
    child:kill "HUP"
    local result = child:wait()
    assert.equal(7, result.status)
    assert.matches("node.lua:1: os.exit%(7%) was called: the node stops\n", result.err)
    assert.matches("^closed[ %x]*\n$", house:read("a", "lock"))
    result = house:run("a", "serve")
    assert.equal(7, result.status)
    assert.matches("node.lua:1: os.exit%(7%) was called", result.err)
  end)
end)

describe("a node that a script closes", function()
  it("ends its service in order", function()
    local told = "warning a script has closed the node\n.*info    stops: "
    assert.matches(told, ends(0, "filo.sleep(0.01) node:close()"))
    assert.matches(told, ends(0, "node:close()"))
    starting("", function(house, child)
      child:expect "listens at"
      local result = house:run("a", "--attach", "-e", "node:close()")
      assert.equal("", result.out)
      local served = child:wait()
      assert.equal(0, served.status)
      assert.matches(told, served.err)
    end)
  end)
end)
