---Scripts started programs by io.popen and os.execute, which stop everything else meanwhile.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local runtime = require "filo.core.runtime"
local tasks = require "spec.support.tasks"
local temp = require "spec.support.temp"

---Whether there is such a process, be it one that nobody has reaped.
local function is_there(pid)
  local file <close> = io.open(("/proc/%s/stat"):format(pid))
  return file ~= nil
end

local function sh(script, options)
  local command = { "sh", "-c", script }
  for name, value in pairs(options or {}) do command[name] = value end
  return command
end

describe("filo.run", function()
  it("gives what a program wrote, and its exit status", function()
    assert.same({ status = 0, stdout = "a b|$HOME|1|2.5", stderr = "" }, filo.run { "printf", "%s|%s|%d|%s", "a b", "$HOME", 1, 2.5 })
    assert.same({ status = 3, stdout = "out\n", stderr = "err\n" }, filo.run(sh "echo out; echo err >&2; exit 3"))
    assert.same({ signal = 9, stdout = "", stderr = "" }, filo.run(sh "kill -KILL $$"))
  end)

  it("gives a program its standard input, as much as it reads of that", function()
    local text = ("\0\n"):rep(500000)
    assert.equal(text, filo.run({ "cat", stdin = text }).stdout)
    assert.same({ status = 0, stdout = "", stderr = "" }, filo.run { "true", stdin = text })
    assert.equal("\0", filo.run({ "head", "-c", 1, stdin = text }).stdout)
    assert.equal("", filo.run({ "cat" }).stdout)
  end)

  it("gives it pipes, which it can open by name", function()
    assert.same({ status = 0, stdout = "out\n", stderr = "err\n" },
      filo.run(sh("cat /dev/stdin; echo err > /dev/stderr", { stdin = "out\n" })))
  end)

  it("starts it in a folder, with variables beside Filo's own", function()
    local folder <close> = temp.folder()
    local env = { A = "x=y", B = 1, HOME = false }
    local result = filo.run(sh("pwd -P; echo $A $B ${HOME-none} ${PATH+some}", { cwd = folder.path, env = env }))
    assert.equal(filo.run({ "realpath", folder.path }).stdout .. "x=y 1 none some\n", result.stdout)
  end)

  it("gives it no other descriptor, no blocked signal, and none that Filo does not heed", function()
    local folder <close> = temp.folder()
    local _ <close> = io.open(folder:write("file", ""))
    local listed = filo.run { "ls", "/proc/self/fd" }.stdout
    assert.equal("0\n1\n2\n3\n", listed) -- 3: the folder that is listed
    local signals = filo.run { "sed", "-n", "s/^Sig\\(Blk\\|Ign\\):\\t*//p", "/proc/self/status" }.stdout
    local blocked, ignored = signals:match "^(%x+)\n(%x+)\n$"
    assert.equal(0, tonumber(blocked, 16))
    assert.equal(0, tonumber(ignored, 16) & (1 << 12 | 1 << 24)) -- PIPE, XFSZ
  end)

  it("is told how a program ended, also where who started Filo wants to know of no end", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", "print(require('filo').run { 'sh', '-c', 'exit 5' }.status, select(3, os.execute 'exit 6'))")
    local ignoring = "$SIG{CHLD} = 'IGNORE'; exec @ARGV"
    assert.equal("5\t6\n", filo.run({ "perl", "-e", ignoring, filo.program, script }).stdout)
  end)

  it("lets everything else go on", function()
    local run = filo.spawn(filo.run, { "cat", "/proc/self/stat" })
    local turns = 0
    while run:status() ~= "ended" do
      tasks.turns(1)
      turns = turns + 1
    end
    assert.equal(0, run:join().status)
    assert.is_true(turns > 1)
  end)

  it("says why a program does not start", function()
    local folder <close> = temp.folder()
    folder:write("file", "text")
    os.execute("chmod +x " .. folder:write("binary", "\1\2\3"))
    os.execute("chmod +x " .. folder:write("script", "#!/no/interpreter\n"))
    for _, case in ipairs {
      { "no-such-program-of-filo", "not_found", "there is no program no%-such%-program%-of%-filo in any folder of PATH: " },
      { folder:file "nothing", "not_found", "there is no program .*/nothing, or not what the first line" },
      { folder:file "script", "not_found", "there is no program .*/script, or not what the first line" },
      { folder.path, "denied", "cannot start the program .*: Permission denied" },
      { folder:file "file", "denied", "cannot start the program .*/file: Permission denied" },
      { folder:file "binary", "unsupported", "/binary is no program for this machine, nor a script that begins with #!" },
    } do
      local result, err = filo.run { case[1] }
      assert.is_nil(result)
      assert.equal(case[2], err.code)
      assert.matches(case[3], err.message)
    end
    local _, err = filo.run { "ls", cwd = folder:file "nowhere" }
    assert.same({ "not_found", ("cannot start ls in the folder %s: No such file or directory"):format(folder:file "nowhere") },
      { err.code, err.message })
    _, err = filo.run { "echo", ("x"):rep(1 << 22) }
    assert.same({ "too_large", true }, { err.code, err.message:find "give them on its standard input" ~= nil })
  end)

  it("ends a program that has not ended in its time", function()
    local folder <close> = temp.folder()
    local result, err = filo.run(sh("echo $$ > pid; exec sleep 1000", { cwd = folder.path, seconds = 0.3 }))
    assert.same({ nil, "timeout", "sh had not ended after 0.3 s, and was ended" }, { result, err.code, err.message })
    assert.is_false(is_there(folder:read "pid":match "%d+"))
  end)

  it("ends a program that writes without end", function()
    for _, command in ipairs { { "yes" }, sh "exec yes >&2" } do
      local result, err = filo.run(command)
      assert.same({ nil, "too_large" }, { result, err.code })
      assert.matches("wrote more than 64 MiB and was ended: read it with filo.start", err.message)
    end
  end)

  it("ends a program whose task is cancelled", function()
    local folder <close> = temp.folder()
    os.execute("mkfifo " .. folder:file "started")
    local run = filo.spawn(filo.run, sh("echo $$ > started; exec sleep 1000", { cwd = folder.path })):observe()
    local pid = filo.run({ "cat", folder:file "started" }).stdout:match "%d+"
    assert.is_true(is_there(pid))
    run:cancel()
    assert.is_false((pcall(run.join, run)))
    nodes.wait(function() return not is_there(pid) end) -- who is killed goes in his own time
  end)

  it("does not wait for what a program leaves running", function()
    local result = filo.run(sh "sleep 1000 & echo $!")
    assert.equal(0, result.status)
    assert.is_true(is_there(result.stdout:match "%d+"))
    filo.run { "kill", result.stdout:match "%d+" }
    result = filo.run(sh("while true; do echo; sleep 0.1; done & echo $!", { seconds = 0.5 }))
    assert.equal(0, result.status)
    filo.run { "kill", result.stdout:match "%d+" }
    assert.equal("one\ntwo\n", filo.run(sh "(sleep 0.1; echo two) & echo one").stdout)
  end)

  it("raises an error for what is no command", function()
    local cyclic = setmetatable({}, { __index = table })
    for text, command in pairs {
      ["run: a table with a program and its arguments expected"] = "ls",
      ["run: a program expected, then its arguments, without a gap"] = {},
      ["run: a program expected, then its arguments, without a ga"] = { "" },
      ["run: a program expected, then its arguments, without a g"] = { "a", nil, "b" },
      ["run: argument 2 must be a text without NUL, or a number"] = { "a", "b", "c\0d" },
      ["run: argument 1 must be a text without NUL, or a number"] = { "a", cyclic },
      ["run: argument 0 must be a text without NUL, or a number"] = { true },
      ["run: unknown option 'sdtin'; did you mean 'stdin'?"] = { "a", sdtin = "" },
      ["run: option 'stdin' must be a string, not a boolean"] = { "a", stdin = true },
      ["run: option 'seconds' must be a number of seconds"] = { "a", seconds = 0 / 0 },
      ["run: option 'cwd' must be a path"] = { "a", cwd = "" },
      ["run: option 'env' must have names as keys"] = { "a", env = { ["A=B"] = "" } },
      ["run: option 'env' must have names as key"] = { "a", env = { "A" } },
      ["run: option 'env' must have texts without NUL; that of 'A' is none"] = { "a", env = { A = "\0" } },
    } do
      raises("program_spec.lua:%d+: " .. text:gsub("%p", "%%%0"), function() filo.run(command) end)
    end
    raises("program_spec.lua:%d+: start: unknown option 'stdin'", function() filo.start { "a", stdin = "" } end)
  end)
end)

describe("a policy", function()
  it("cannot start a program", function()
    for _, fn in ipairs { filo.start, filo.run } do
      raises("cannot wait", function() runtime.pinned(1, fn, { "true" }) end)
    end
  end)
end)

describe("filo.start", function()
  it("gives a process that is written to and read while it runs", function()
    local process <close> = assert(filo.start { "cat" })
    for _, line in ipairs { "one", "two" } do
      assert(process.stdin:write(line .. "\n"))
      assert.equal(line, process.stdout:read "l")
    end
    local ended, err = process:wait(0)
    assert.same({ nil, "timeout" }, { ended, err.code })
    process.stdin:close()
    assert.equal("", process.stdout:read "a")
    assert.same({ status = 0 }, process:wait())
    assert.same({ status = 0 }, process:wait())
  end)

  it("gives a program what was written before its input was closed, however late it reads that", function()
    local folder <close> = temp.folder()
    os.execute("mkfifo " .. folder:file "go")
    local process <close> = assert(filo.start(sh("cat go; exec wc -c", { cwd = folder.path })))
    process.stdin:write(("x"):rep(200000))
    process.stdin:close()
    filo.sleep(2.5) -- as long as the other side of a socket is given
    filo.run(sh("echo > go", { cwd = folder.path }))
    assert.matches("^%s*200000%s*$", process.stdout:read "a")
  end)

  it("tells several tasks of the end", function()
    local process <close> = assert(filo.start { "cat" })
    local waiting = { filo.spawn(process.wait, process), filo.spawn(process.wait, process, 60) }
    tasks.turns(2)
    assert(process:kill "INT")
    for _, each in ipairs(waiting) do assert.same({ signal = 2 }, each:join()) end
    local ok, err = process:kill()
    assert.same({ nil, "not_found", "cat has ended" }, { ok, err.code, err.message })
  end)

  it("ends it at the end of the scope, also when it does not want to", function()
    local pid
    do
      local process <close> = assert(filo.start(sh "trap '' TERM; echo ready; while true; do sleep 0.1; done"))
      pid = process.pid
      assert.equal("ready", process.stdout:read "l")
    end
    assert.is_false(is_there(pid))
  end)

  it("ends it with Filo", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", [[
      local filo = require "filo"
      if arg[1] == "leave" then print(assert(filo.start { "cat" }).pid) return end
      local process = assert(filo.start { "sh", "-c", "trap 'echo bye > said; exit' TERM; echo; while true; do sleep 0.1; done" })
      process.stdout:read "l"
      print(process.pid)
    ]])
    for _, how in ipairs { "leave", "stay" } do
      local result = filo.run { filo.program, script, how, cwd = folder.path }
      assert.same({ 0, "" }, { result.status, result.stderr })
      assert.is_false(is_there(result.stdout:match "%d+"))
    end
    assert.equal("bye\n", folder:read "said")
  end)

  it("lets one that nobody holds any more see the end of its input", function()
    local pid = assert(filo.start { "cat" }).pid
    repeat
      collectgarbage()
      tasks.turns(1)
    until not is_there(pid)
  end)

  it("leaves what it does not know to who does", function()
    local process <close> = assert(filo.start { "cat" })
    raises("program_spec.lua:%d+: .*the standard input of cat cannot be read", function() process.stdin:read "l" end)
    raises("program_spec.lua:%d+: .*the standard output of cat cannot be written", function() process.stdout:write "text" end)
    raises("program_spec.lua:%d+: kill: there is no signal SIGTERM; some are TERM", function() process:kill "SIGTERM" end)
    raises("program_spec.lua:%d+: kill: the name of a signal expected", function() process:kill(9) end)
    raises("program_spec.lua:%d+: process:wait expected, with a colon", function() process.wait() end)
  end)

  it("says that a program reads no more", function()
    local process <close> = assert(filo.start(sh "exec <&-; echo closed; exec sleep 1000"))
    assert.equal("closed", process.stdout:read "l")
    process.stdin:write "text"
    local ok, err = process.stdin:flush()
    assert.same({ nil, "unreachable" }, { ok, err.code })
    assert.matches("the standard input of sh is read no more: Broken pipe", err.message)
  end)

  it("leaves no process and no descriptor, whatever fails", function() -- the helper looks
    for _ = 1, 20 do
      assert.is_nil((filo.run { "/nowhere/program" }))
      local starting = filo.spawn(filo.start, { "cat" }):observe()
      tasks.turns(1)
      starting:cancel()
      local started, process = pcall(starting.join, starting) -- a program may start within a turn
      if started then process:close() end
    end
  end)

  it("does not disturb io.popen and os.execute", function()
    local process <close> = assert(filo.start { "cat" })
    assert.same({ true, "exit", 0 }, { os.execute "true" })
    local pipe = assert(io.popen "exit 3")
    process:close()
    assert.same({ nil, "exit", 3 }, { pipe:close() })
  end)

  it("can be stored as it writes, and not when it fails", function()
    local folder <close> = temp.folder()
    local node <close> = assert(filo.node { root = folder:file "root", durability = "none", reserve = 0, log = function() end })
    local function dump(script)
      local process <close> = assert(filo.start(sh(script)))
      local problems = filo.spawn(process.stderr.read, process.stderr, "a")
      return node:store("dump", function()
        local piece = process.stdout:read(65536)
        if piece then return piece end
        local ended = process:wait()
        if ended.status ~= 0 then return nil, problems:join() end
      end)
    end
    local receipt = assert(dump "head -c 300000 /dev/zero")
    assert.equal(300000, receipt.size)
    local ok, err = dump "echo half; echo the disk is broken >&2; exit 1"
    assert.is_nil(ok)
    assert.matches("the disk is broken", err.message)
    assert.equal(300000, node:stat("dump").size)
  end)
end)
