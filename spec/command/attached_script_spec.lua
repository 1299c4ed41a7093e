local commands = require "spec.support.commands"
local process = require "spec.support.process"

---Calls fn(house, run, id) with a node that serves; run(options) gives a process in the house's folder.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  local child, _, id = house:serve "a"
  local function run(options)
    options.cwd = house.folder.path
    return process.run(options)
  end
  fn(house, run, id)
  assert.is_false(child:has_ended())
end

local function printed(text) return { status = 0, out = text, err = "" } end

describe("filo --attach with code or a script", function()
  it("runs it within the node", function()
    serving(function(house, run, id)
      assert.same(printed(id .. "\n"), run { "--attach", "a", "-e", "print(node.id)" })
      house.folder:write("script.lua", "#!/usr/bin/env filo\nprint(arg[0], #arg, ...) io.write('same ', x):write('\\n') return 'untold'")
      assert.same(printed "script.lua\t2\tone\t--two\nsame x\n",
        run { "--attach", "a", "-ex = 'x'", "script.lua", "one", "--two" })
      assert.same(printed "-\t1\n", run { "--attach", "a", "-", "1", stdin = "print(arg[0], ...)" })
      assert.same(printed "table\n", run { "--attach", "a", "-l", "f=filo", "-e", "print(type(f))" })
      local value = run { "--attach", "a", "-e", "node:store('k', 'content')", "-e", "print(node:get('k'):read 'a')" }
      assert.same(printed "content\n", value)
    end)
  end)

  -- `...` was the whole command line, and `a` in `-e code a b` a command.
  it("gives code the arguments that follow, or those of the script", function()
    serving(function(house, run)
      local code = "print(select('#', ...), (...), #arg, arg[1])"
      assert.same(printed "0\tnil\t0\tnil\n", run { "--attach", "a", "-e", code })
      assert.same(printed "2\tone\t2\tone\n", run { "--attach", "a", "-e", code, "one", "x.lua" })
      house.folder:write("script.lua", "print(...)")
      assert.same(printed "one\tput\none\tput\n", run { "--attach", "a", "-e", "print(...)", "script.lua", "one", "put" })
      assert.same(printed "one\n", run { "-i", "--attach", "a", "-e", "print(...)", "one", stdin = "" })
      local result = run { "--attach", "a", "-l", "filo", "put" }
      assert.equal(2, result.status)
      assert.matches("'%-%-attach' goes with a script, and 'put' is a command", result.err)
    end)
  end)

  it("finds the root in FILO_ROOT", function()
    serving(function(house, run, id)
      local env = { FILO_ROOT = house:root "a" }
      assert.same(printed(id .. "\n"), run { "--attach", "-e", "print(node.id)", env = env })
      assert.same(printed(id .. "\n"), run { "-i", "--attach", stdin = "node.id", env = env })
    end)
  end)

  it("tells what went wrong there, and goes on to nothing", function()
    serving(function(house, run)
      house.folder:write("script.lua", "print 'before'\nlocal function f() error 'boom' end\nf()")
      local result = run { "--attach", "a", "script.lua" }
      assert.same({ 1, "before\n" }, { result.status, result.out })
      assert.matches("^filo: script.lua:2: boom\n", result.err)
      local function check(message, ...)
        assert.same({ status = 1, out = "", err = "filo: " .. message .. "\n" }, run { "--attach", "a", ... })
      end
      check("(command line):1: unexpected symbol near '='", "-e", "=", "-e", "print 1")
      check("cannot open none.lua: No such file or directory", "none.lua")
      result = run { "--attach", "none", "-e", "print 1" }
      assert.equal(5, result.status)
      assert.matches("^filo: there is no node in none: ", result.err)
    end)
  end)

  it("ends by os.exit, and the node does not", function()
    serving(function(house, run)
      assert.same({ status = 7, out = "x", err = "" }, run { "--attach", "a", "-e", "io.write 'x' os.exit(7) print 'y'" })
      assert.equal(1, run({ "--attach", "a", "-e", "pcall(os.exit, false) print 'y'" }).status)
      assert.same(printed "1\n", run { "-i", "--attach", "a", stdin = "1\nos.exit()\n2\n" })
      assert.equal(1, run({ "--attach", "a", "-e", "table.sort({ 3, 2, 1 }, os.exit)" }).status)
      assert.equal(0, house:run("a", "status").status)
    end)
  end)

  -- It was the script's own os.exit only: one that a module calls ended the node.
  it("ends by the os.exit of a module, and of a task, and the node does not", function()
    serving(function(house, run)
      assert.same({ status = 1, out = "", err = "" }, run { "--attach", "a", "-e", "require('filo.script').fail 'no'" })
      local code = "package.preload.ends = function() filo.spawn(load 'os.exit(9)') filo.sleep(1000) end require 'ends'"
      assert.equal(9, run({ "--attach", "a", "-e", code }).status)
      assert.equal(0, house:run("a", "status").status)
    end)
  end)

  it("ends with the process that asked for it", function()
    serving(function(house)
      local child = house:start("a", "--attach", house:root "a", "-e", "print 'runs' filo.sleep(1000)")
      child:expect "runs"
      child:kill "INT"
      assert.equal(130, child:wait().status)
    end)
  end)
end)
