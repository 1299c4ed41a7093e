---A process that could open no more files said so in raw lines of a library, amid a log in JSON, ended without a word, or closed the
---connection of whoever had passed it a file. Idle connections of anybody took all descriptors, and commands waited without a word.

local commands = require "spec.support.commands"
local filo = require "filo"
local json = require "filo.dkjson"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---This program where only so many files may be open at once.
local function start(most, env, ...)
  local words = { temp.quote(filo.program) }
  for _, argument in ipairs { ... } do words[#words + 1] = temp.quote(argument) end
  local command = ("ulimit -n %d; exec %s"):format(most, table.concat(words, " "))
  return process.start { program = "sh", "-c", command, env = env }
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

describe("a process with few descriptors", function()
  it("does not start without a clear sentence, which is JSON where the log is", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local _, address = house:serve "a"
    house:run("b", "init", "--listen", address) -- so that it never starts
    local plain, in_json = 0, 0
    for most = 5, 40 do
      local result = start(most, { FILO_ROOT = house:root "b" }, "serve", "--log-json"):wait()
      local line = lines_of(result.err)[1]
      assert.equal(1, result.status)
      assert.equal(line .. "\n", result.err)
      local entry = json.decode(line)
      if entry then
        assert.same({ "error", "failed" }, { entry.level, entry.event })
        if entry.code == "busy" and entry.message:find "raise the limit %(ulimit %-n%)$" then in_json = in_json + 1 end
      elseif not line:find "error while loading shared libraries" then
        assert.equal("filo: cannot start: the event loop has no descriptors: too many files and connections are open: " ..
          "raise the limit (ulimit -n)", line)
        plain = plain + 1
      end
    end
    assert.is_true(plain > 0 and in_json > 0)
  end)

  it("does its own work beside more connections than there is room for, which it tells of once", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child <close> = start(48, { FILO_ROOT = house:root "a" }, "serve", "--log-json")
    local address = child:expect '"address":"([%d.:]+)"'
    house:feed(house:run("a", "invite", "--address", address).out, "b", "join", "-", "--listen", "127.0.0.1:0")
    local tasks = {}
    for i = 1, 60 do
      tasks[i] = filo.spawn(function()
        while true do
          local connection <close> = assert(filo.dial(address))
          connection:read(100) -- its part of a handshake, or its end: then another comes
          connection:read "a"
        end
      end):observe()
    end
    child:expect '"event":"starved"'
    local alone = house:feed("content", "a", "put", "-", "--key", "key")
    assert.same({ "key  7 B  1 copy\n", 4 }, { alone.out, alone.status })
    assert.matches(" is not connected: copies that the policy wants there are missing", alone.err)
    house:serve("b"):expect "is connected"
    assert.equal("other  7 B  2 copies\n", house:feed("content", "a", "put", "-", "--key", "other").out)
    for _, each in ipairs(tasks) do each:cancel() end
    child:kill "TERM"
    local starved = 0
    for _, line in ipairs(lines_of(child:wait().err)) do
      local entry = assert(json.decode(line))
      if entry.event == "starved" then
        starved = starved + 1
        assert.matches("^cannot accept connections at .* for now: too many files", entry.message)
      end
    end
    assert.equal(1, starved)
  end)

  it("says so when it could seal what is to be stored, and not publish it", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", [[
      local filo = require "filo"
      local node <close> = assert(filo.node { root = arg[1], durability = "none", reserve = 0, log = function() end })
      for left = 0, 6 do
        local held, file = {}, nil
        repeat
          file = io.open "/dev/null"
          held[#held + 1] = file
        until not file
        for _ = 1, left do table.remove(held):close() end
        local receipt, err = node:store("key " .. left, ("x"):rep(100000))
        for _, each in ipairs(held) do each:close() end
        print(receipt and "stored" or err.code .. err.message:match ": [^:]*$")
      end
    ]])
    local ends = {}
    for _, line in ipairs(lines_of(start(64, {}, script, folder:file "root"):wait().out)) do ends[line] = true end
    assert.same({ stored = true, ["busy: raise the limit (ulimit -n)"] = true }, ends)
  end)

  it("says that it cannot take a file that is passed to it", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", [[
      local filo = require "filo"
      local listener <close> = assert(filo.listen("unix:" .. arg[1]))
      print "listens"
      io.stdout:flush()
      local connection <close> = assert(listener:accept())
      connection:read "l"
      local files, file = {}, nil
      repeat
        file = io.open "/dev/null"
        files[#files + 1] = file
      until not file
      connection:write "full\n"
      local line = connection:read "l"
      local taken, err = connection:take(30)
      print(line, taken, err.code, err.message)
    ]])
    local child <close> = start(40, {}, script, folder:file "socket")
    child:expect "listens"
    local connection <close> = assert(filo.dial("unix:" .. folder:file "socket"))
    connection:write "fill\n"
    assert.equal("full", connection:read("l", 30))
    connection:write "a file:\n"
    assert(connection:pass(io.stdout))
    assert.equal("a file:\tnil\tbusy\tcannot take the file that was passed: too many files and connections are open: " ..
      "raise the limit (ulimit -n)\n", child:wait().out:match "listens\n(.*)")
  end)
end)
