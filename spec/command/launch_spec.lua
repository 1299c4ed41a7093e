local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

---Runs the code as a script of the name, with arguments; gives the result and the script's path.
local function run_script(code, ...)
  local dir <close> = temp.folder()
  local path = dir:write("script.lua", code)
  return process.run { path, ... }, path
end

local function printed(text) return { status = 0, out = text, err = "" } end

-- It was in force before what comes first, and a missing module was said to be missing at filo/command/launch.lua.
describe("the options of the command line", function()
  it("take effect in order, and say what is wrong as lua does", function()
    assert.equal("Lua warning: ho\n", process.run({ "-e", "warn 'hi'", "-W", "-e", "warn 'ho'" }).err)
    assert.matches("^filo: module 'nomod' not found:\n", process.run({ "-l", "nomod" }).err)
  end)
end)

describe("filo script", function()
  it("gives the arguments as ... and arg", function()
    local result, path = run_script("print(arg[0], arg[-1], #arg, ...)", "one", "--two", "", "- three")
    assert.same(printed(("%s\t%s\t4\tone\t--two\t\t- three\n"):format(path, runtime.program())), result)
  end)

  it("passes over a #! line", function()
    assert.same(printed "1\n", (run_script "#!/usr/bin/env filo\nprint(1)"))
    local result = run_script "#!/usr/bin/env filo\nsyntax error here"
    assert.matches("script.lua:2:", result.err, 1, true)
  end)

  it("runs on the loop", function()
    local result = run_script [[
      local runtime = require "filo.core.runtime"
      local task = runtime.spawn(function() runtime.sleep(0) return "waited" end)
      print(task:join())
    ]]
    assert.same(printed "waited\n", result)
  end)

  it("ends when its script does, and tasks unwind", function()
    local result = run_script [[
      local runtime = require "filo.core.runtime"
      local function endless(name)
        local _ <close> = setmetatable({}, { __close = function() runtime.sleep(0) print("closed " .. name) end })
        runtime.sleep(1000)
      end
      runtime.spawn(endless, "child")
      runtime.sleep(0)
      runtime.spawn_detached(endless, "detached")
      runtime.sleep(0)
      runtime.sleep(0)
      print "end"
    ]]
    assert.equal(0, result.status)
    assert.equal("", result.err)
    assert.matches("^end\n", result.out)
    assert.matches("closed child\n", result.out)
    assert.matches("closed detached\n", result.out)
  end)

  it("says where a syntax error is, and exits with 1", function()
    local result, path = run_script "local x =\nlocal y"
    assert.equal(1, result.status)
    assert.equal("", result.out)
    assert.equal(("filo: %s:2: unexpected symbol near 'local'\n"):format(path), result.err)
  end)

  it("says when there is no such script", function()
    local result = process.run { "/no/such/script.lua" }
    assert.equal(1, result.status)
    assert.equal("filo: cannot open /no/such/script.lua: No such file or directory\n", result.err)
  end)

  it("prints an uncaught error with its traceback, and exits with 1", function()
    local result, path = run_script "local function inner()\n  error 'boom'\nend\nprint 'before'\ninner()"
    assert.equal(1, result.status)
    assert.equal("before\n", result.out)
    assert.matches("^filo: " .. path:gsub("%p", "%%%0") .. ":2: boom\nstack traceback:\n", result.err)
    assert.matches("script.lua:2: in local 'inner'", result.err, 1, true)
    assert.matches("script.lua:5: in main chunk", result.err, 1, true)
  end)

  it("prints error objects as lua does", function()
    assert.matches("^filo: %(error object is a table value%)\n", (run_script "error {}").err)
    assert.matches("^filo: %(error object is a nil value%)\n", (run_script "error()").err)
    local result = run_script "error(setmetatable({}, { __tostring = function() return 'told' end }))"
    assert.matches("^filo: told\n", result.err)
    assert.equal(1, result.status)
  end)

  -- An error at level 2 in the main chunk named a line of Filo's, which each traceback ended with, too.
  it("is called by nobody", function()
    for _, result in ipairs { (run_script "error('boom', 2)"), process.run { "-e", "error('boom', 2)" } } do
      assert.matches("^filo: boom\n", result.err)
      assert.not_matches("filo/", result.err)
    end
  end)

  it("has its own modules within itself, others come from the folder that it runs in", function()
    local dir <close> = temp.folder()
    dir:write("helper.lua", "return 'found'")
    assert.same(printed "found\n", process.run { "-e", "print((require 'helper'))", cwd = dir.path })
    os.execute("mkdir -p " .. dir:file "filo/command")
    dir:write("filo/command/launch.lua", "error 'not this one'")
    assert.same(printed "1\n", process.run { "-e", "print(1)", cwd = dir.path })
  end)

  it("takes its modules from FILO_PATH while they are developed", function()
    local dir <close> = temp.folder()
    os.execute("mkdir -p " .. dir:file "filo/command")
    dir:write("filo/command/launch.lua", "return function() print 'mine' return {} end")
    assert.same(printed "mine\n", process.run { "-e", "print(1)", env = { FILO_PATH = "/nowhere:" .. dir.path } })
    assert.same(printed "1\n", process.run { "-e", "print(1)", env = { FILO_PATH = "/nowhere" } })
    dir:write("filo/command/launch.lua", "return (")
    local result = process.run { "-e", "print(1)", env = { FILO_PATH = dir.path } }
    assert.equal(1, result.status)
    assert.matches("filo: cannot start: ", result.err, 1, true)
  end)

  it("runs from anywhere, without its source tree", function()
    assert.same(printed "table\n", process.run { "-e", "print(type(require 'filo'))", cwd = "/", env = { FILO_PATH = "" } })
  end)
end)

describe("filo's options", function()
  it("-e runs code, as often as it is given", function()
    assert.same(printed "1\n2\n", process.run { "-e", "x = 1 print(x)", "-eprint(x + 1)" })
    local result = process.run { "-e", "error 'boom'" }
    assert.equal(1, result.status)
    assert.matches("^filo: %(command line%):1: boom\nstack traceback:\n", result.err)
    assert.equal("filo: (command line):1: unexpected symbol near '='\n", process.run({ "-e", "=" }).err)
  end)

  -- LUA_INIT was passed over in silence.
  it("come after what LUA_INIT says, unless -E is one, which passes over LUA_PATH, too", function()
    local dir <close> = temp.folder()
    local file, env = dir:write("init.lua", "print('file', x)"), { LUA_INIT = "x = 1 print('init', arg[0] ~= nil)" }
    assert.same(printed "init\ttrue\n1\n", process.run { "-e", "print(x)", env = env })
    assert.same(printed "init\ttrue\n1\n", process.run { "-", stdin = "print(x)", env = env })
    assert.same(printed "nil\n", process.run { "-E", "-e", "print(x)", env = env })
    assert.matches("^filo %d", process.run({ "version", env = env }).out)
    env.LUA_INIT_5_4 = "@" .. file
    assert.same(printed "file\tnil\n", process.run { "-e", "", env = env })
    local result = process.run { "-e", "print(1)", env = { LUA_INIT = "error 'boom'" } }
    assert.same({ 1, "" }, { result.status, result.out })
    assert.matches("^filo: LUA_INIT:1: boom\n", result.err)
    env = { LUA_PATH = "mine", LUA_CPATH = "mine" }
    assert.same(printed "mine\tmine\n", process.run { "-e", "print(package.path, package.cpath)", env = env })
    assert.not_matches("mine", process.run({ "-E", "-e", "print(package.path, package.cpath)", env = env }).out)
  end)

  it("-e may change what the script is given", function()
    assert.same(printed "100\n", process.run { "-e", "arg[1] = 100", "-", stdin = "print(...)" })
    local result = process.run { "-e", "arg = 1", "-", stdin = "print(...)" }
    assert.same({ status = 1, out = "", err = "filo: 'arg' is not a table\n" }, result)
  end)

  it("-e and -l come before the script, in order", function()
    local dir <close> = temp.folder()
    dir:write("module.lua", "print(x) return { name = 'module' }")
    local script = dir:write("script.lua", "print(module.name, other.name, arg[0] ~= nil, arg[-1])")
    local result = process.run { "-e", "x = 1", "-l", "module", "-l", "other=module", script, cwd = dir.path }
    assert.same(printed "1\nmodule\tmodule\ttrue\tother=module\n", result)
  end)

  it("-l says what it did not find", function()
    local result = process.run { "-l", "no.such.module" }
    assert.equal(1, result.status)
    assert.matches("module 'no.such.module' not found", result.err, 1, true)
  end)

  it("-v prints the version", function()
    local result = process.run { "-v" }
    assert.equal(0, result.status)
    assert.matches("^filo %d[%w.]* %(Lua 5%.4%)\n$", result.out)
    assert.matches("^filo .*\n1\n$", process.run({ "-v", "-e", "print(1)" }).out)
    assert.same(result, process.run { "--version" })
  end)

  it("- runs standard input, with arguments", function()
    assert.same(printed "-\ta\tb\n", process.run { "-", "a", "b", stdin = "print(arg[0], ...)" })
    assert.equal("filo: stdin:1: unexpected symbol near '='\n", process.run({ "-", stdin = "=" }).err)
  end)

  it("none runs standard input too, when it is no terminal", function()
    assert.same(printed "piped\n", process.run { stdin = "#! line\nprint 'piped'" })
    assert.same(printed "", process.run {})
  end)

  it("-- ends them", function()
    local dir <close> = temp.folder()
    dir:write("-e", "print('script', ...)")
    assert.same(printed "script\t-v\n", process.run { "--", "-e", "-v", cwd = dir.path })
  end)

  it("-W turns warnings on", function()
    assert.same({ status = 0, out = "", err = "Lua warning: careful\n" }, process.run { "-W", "-e", "warn 'careful'" })
    assert.same(printed "", process.run { "-e", "warn 'careful'" })
  end)

  it("that it does not know are refused with the list of those it knows", function()
    for _, bad in ipairs { "-x", "-vv", "--help-me", "-" .. "\xff" } do
      local result = process.run { bad }
      assert.equal(2, result.status)
      assert.matches("unrecognized option '" .. bad .. "'", result.err, 1, true)
      assert.matches("usage: filo", result.err, 1, true)
    end
    for _, lonely in ipairs { "-e", "-l" } do
      local result = process.run { lonely }
      assert.equal(2, result.status)
      assert.matches(("'%s' needs an argument"):format(lonely), result.err, 1, true)
    end
  end)
end)

describe("os.exit", function()
  it("gives the exit status", function()
    local cases = { ["os.exit()"] = 0, ["os.exit(true)"] = 0, ["os.exit(false)"] = 1, ["os.exit(7)"] = 7 }
    for code, status in pairs(cases) do
      assert.same({ status = status, out = "before", err = "" }, process.run { "-e", "io.write 'before' " .. code })
      local closing = code:gsub("%((.*)%)", function(value) return ("(%s, true)"):format(value ~= "" and value or "nil") end)
      assert.same({ status = status, out = "before", err = "" }, process.run { "-e", "io.write 'before' " .. closing })
    end
  end)

  it("never returns, whatever it is called through", function()
    for _, close in ipairs { "false", "true" } do
      for _, through in ipairs {
        "pcall(os.exit, 3, %s)",
        "coroutine.wrap(function() pcall(os.exit, 3, %s) end)()",
        "pcall(table.sort, { 3, 2, 1 }, function() os.exit(3, %s) end)",
        "require('filo.core.runtime').spawn(function() pcall(os.exit, 3, %s) end):join()",
        "setmetatable({}, { __gc = function() os.exit(3, %s) end }) collectgarbage() collectgarbage()",
        "local x <close> = setmetatable({}, { __close = function() os.exit(3, %s) end }) error 'x'",
      } do
        local result = process.run { "-e", through:format(close) .. " print 'still here'" }
        assert.same({ status = 3, out = "", err = "" }, result)
      end
    end
  end)

  it("with true closes variables and lets other tasks unwind", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local function closing(name)
        return setmetatable({}, { __close = function() pcall(runtime.sleep, 0) print(name) end })
      end
      runtime.spawn(function()
        local _ <close> = closing "other task"
        runtime.sleep(1000)
      end)
      runtime.sleep(0)
      runtime.sleep(0)
      local _ <close> = closing "main"
      local collected = setmetatable({}, { __gc = function() print "collected" end })
      runtime.spawn(function()
        local _ <close> = closing "exiting task"
        os.exit(5, true)
      end)
      runtime.sleep(1000)
    ]] }
    assert.equal(5, result.status)
    assert.equal("", result.err)
    for _, name in ipairs { "other task", "main", "exiting task", "collected" } do
      assert.matches(name .. "\n", result.out, 1, true)
    end
  end)

  -- It ended the process before the others were collected.
  it("with true in a finalizer at the end has the others run first", function()
    local result = process.run { "-e", [[
      first = setmetatable({}, { __gc = function() print "first" end })
      last = setmetatable({}, { __gc = function() print "last" os.exit(7, true) print "never" end })
    ]] }
    assert.same({ status = 7, out = "last\nfirst\n", err = "" }, result)
  end)

  it("without it closes nothing", function()
    local result = process.run { "-e", [[
      local _ <close> = setmetatable({}, { __close = function() print "closed" end })
      os.exit(5)
    ]] }
    assert.same({ status = 5, out = "", err = "" }, result)
  end)

  it("refuses what is no status", function()
    assert.matches("bad argument #1 to 'exit'", process.run({ "-e", "os.exit 'x'" }).err)
  end)
end)

describe("a signal to end", function()
  local script = [[
    local runtime = require "filo.core.runtime"
    local _ <close> = setmetatable({}, { __close = function() runtime.sleep(0) print "closed" end })
    local child = runtime.spawn_detached(function()
      local _ <close> = setmetatable({}, { __close = function() runtime.sleep(0) print "child closed" end })
      runtime.sleep(1000)
    end)
    runtime.sleep(0)
    print "ready"
    io.stdout:flush()
    %s
  ]]

  for signal, status in pairs { INT = 130, TERM = 143 } do
    it(("SIG%s lets all tasks unwind and gives %d"):format(signal, status), function()
      local child <close> = process.start { "-e", script:format "runtime.sleep(1000)" }
      child:expect "ready"
      child:kill(signal)
      local result = child:wait()
      assert.equal(status, result.status)
      assert.equal("ready\nclosed\nchild closed\n", result.out)
      assert.equal("", result.err)
    end)

    it(("SIG%s counts as the end though the script catches it"):format(signal), function()
      local child <close> = process.start { "-e", script:format "print(pcall(runtime.sleep, 1000))" }
      child:expect "ready"
      child:kill(signal)
      local result = child:wait()
      assert.equal(status, result.status)
      assert.matches("ready\nfalse\t%a+\nclosed\n", result.out)
    end)
  end

  -- `while true do pcall(work) end`, where work waits, went on until the second signal came.
  for what, loop in pairs {
    ["in its work"] = "pcall(work)", ["in its work, and waits beside it"] = "pcall(work) runtime.sleep(0)",
    ["with xpcall"] = "xpcall(work, print)", ["in pcall within pcall"] = "pcall(function() while true do pcall(work) end end)",
    ["in a coroutine"] = "coroutine.resume(coroutine.create(work))",
  } do
    it("ends a loop that catches all errors " .. what, function()
      local code = ("local function work() runtime.sleep(1000) end while true do %s end"):format(loop)
      local child <close> = process.start { "-e", script:format(code) }
      child:expect "ready"
      child:kill "TERM"
      local result = child:wait()
      assert.equal(143, result.status)
      assert.matches("ready\n.*closed\nchild closed\n$", result.out)
    end)
  end

  it("can be caught once, to clean up", function()
    local child <close> = process.start { "-e", script:format [[
      print(pcall(runtime.sleep, 1000))
      print(pcall(error, "another error"))
      runtime.sleep(0)
      print "never"
    ]] }
    child:expect "ready"
    child:kill "TERM"
    local result = child:wait()
    assert.equal(143, result.status)
    assert.equal("ready\nfalse\tterminated\nfalse\tanother error\nclosed\nchild closed\n", result.out)
  end)

  it("comes twice: the second ends a script that will not end", function()
    local child <close> = process.start { "-e", script:format [[
      local _ <close> = setmetatable({}, { __close = function() print "stays" io.stdout:flush() runtime.sleep(1000) end })
      runtime.sleep(1000)
    ]] }
    child:expect "ready"
    child:kill "INT"
    child:expect "stays"
    child:kill "INT"
    assert.equal(2, child:wait().signal)
  end)
end)

describe("a closed pipe", function()
  it("is an error to the script, not its end", function()
    local dir <close> = temp.folder()
    local code = "io.stdout:setvbuf 'no' for _ = 1, 100 do local ok, why = io.write(('x'):rep(1000)) if not ok then "
      .. "io.stderr:write(why) os.exit(4) end end"
    local command = ("{ %s -e %s 2>%s; echo $? >%s; } | head -c 1 >/dev/null"):format(
      temp.quote(runtime.program()), temp.quote(code), dir:file "err", dir:file "status"
    )
    os.execute(command)
    assert.equal("4\n", dir:read "status")
    assert.matches("Broken pipe", dir:read "err")
  end)

  it("ends the programs that the script starts, as ever", function()
    assert.same(printed "nil\tsignal\t13\n", process.run { "-e", "local p = io.popen 'exec yes' p:read() print(p:close())" })
  end)
end)

-- os.exit(status, true) closes `<close>` variables where nothing can wait: one that waits nevertheless crashed the process.
describe("os.exit with true", function()
  it("survives a <close> variable that waits", function()
    local result = process.run { "-e", [[
      local filo = require "filo"
      local _ <close> = setmetatable({}, { __close = function() print "last" end })
      local _ <close> = setmetatable({}, { __close = function() filo.sleep(0.01) end })
      local _ <close> = setmetatable({}, { __close = function() print(pcall(filo.sleep, 0.01)) end })
      os.exit(7, true)
    ]] }
    assert.is_nil(result.signal)
    assert.equal(7, result.status)
    assert.matches("^false\t[^\n]*cannot wait here.-\nlast\n$", result.out)
  end)
end)
