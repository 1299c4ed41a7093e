---A terminal that was stopped with Ctrl-S, or a pager that nobody paged, stopped the whole node after some 230 lines of its log, and the
---first SIGTERM did nothing.

local json = require "filo.dkjson"
local new_pipe = require "spec.support.unread_pipe"
local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

local LINES = 10000

---A script that logs numbered lines of 300 bytes; what comes before and after is its own.
local function script(before, after)
  return ([[
    local runtime = require "filo.core.runtime"
    %s
    for i = 1, %d do
      runtime.log((i .. (" "):rep(300)):sub(1, 299) .. "\n")
      if i %% 100 == 0 then runtime.sleep(0) end
    end
    print "logged"
    io.stdout:flush()
    %s
  ]]):format(before, LINES, after)
end

local function shell(command, ...) return process.start { program = "sh", "-c", command:format(...) } end

local function start(to, code)
  return shell("exec %s -e %s 2>%s", temp.quote(runtime.program()), temp.quote(code), temp.quote(to))
end

---A process that reads a pipe until its writer has ended, and writes what it reads to stdout.
local function read_from(pipe) return shell("exec cat %s", temp.quote(pipe.path)) end

---All that a process writes to a pipe until it ends.
local function drained(pipe, child)
  local reader <close> = read_from(pipe)
  child:wait()
  pipe:close()
  return reader:wait().out
end

---The numbers of the first lines, which follow one another from 1 on; and what comes after them.
local function split(text)
  local count, at = 0, 1
  while true do
    local number, after = text:match("^(%d+) *\n()", at)
    if tonumber(number) ~= count + 1 then return count, text:sub(at) end
    count, at = count + 1, after
  end
end

describe("the log", function()
  -- One line that was longer than its buffer, which a peer could provoke, and nothing was logged any more.
  it("goes on after a message that is too long for it, which is cut", function()
    for _, format in ipairs { "named", "json" } do
      local result = process.run { "-e", ([[
        local runtime = require "filo.core.runtime"
        runtime.log_format "%s"
        for _, message in ipairs { ("\1"):rep(600000), "afterwards" } do
          runtime.spawn(error, message, 0)
          runtime.sleep(0)
        end
        runtime.log(("x"):rep(600000) .. "\n")
        runtime.log "the end\n"
      ]]):format(format) }
      assert.is_true(#result.err > 60000 and #result.err < 400000)
      assert.matches("afterwards", result.err)
      assert.matches("[12] lines? of the log dropped", result.err) -- that it was slow may be the second
      assert.matches("the end\n$", result.err)
    end
  end)

  it("goes on while nobody reads it, and tells what was dropped, in its place", function()
    local folder <close> = temp.folder()
    local pipe <close> = new_pipe(folder)
    local child <close> = start(pipe.path, script("", [[
      runtime.on_signal("USR1", function() runtime.log "the end\n" os.exit(0, true) end)
      print "waits"
      io.stdout:flush()
      runtime.suspend()
    ]]))
    child:expect "logged\nwaits"
    local reader <close> = read_from(pipe)
    reader:expect " dropped here"
    child:kill "USR1"
    assert.equal(0, child:wait().status)
    pipe:close()
    local count, rest = split(reader:wait().out)
    assert.is_true(count > 500, count .. " lines were kept")
    assert.equal(("filo: %d lines of the log dropped here: nobody read standard error\nthe end\n"):format(LINES - count), rest)
  end)

  it("says in JSON what was dropped, when that is its format", function()
    local folder <close> = temp.folder()
    local pipe <close> = new_pipe(folder)
    local child <close> = start(pipe.path, script([[runtime.log_format "json"]], ""))
    child:expect "logged"
    local count, rest = split(drained(pipe, child))
    local line = assert(json.decode(rest))
    assert.same({ "warning", "dropped" }, { line.level, line.event })
    assert.matches(("^%d lines "):format(LINES - count), line.message)
  end)

  it("lets the process end while nobody reads it", function()
    local folder <close> = temp.folder()
    local pipe <close> = new_pipe(folder)
    for _, after in ipairs { "", "os.exit(0)" } do
      local child <close> = start(pipe.path, script("", after))
      assert.equal(0, child:wait().status)
    end
    local child <close> = start(pipe.path, script("", "runtime.suspend()"))
    child:expect "logged"
    child:kill "TERM"
    assert.equal(143, child:wait().status)
  end)

  it("loses nothing in a file, nor where it is read, and what waits at the end is still written", function()
    local folder <close> = temp.folder()
    for _, after in ipairs { "", "os.exit(0)", "os.exit(0, true)" } do
      start(folder:file "log", script("", after)):wait()
      local count, rest = split(folder:read "log")
      assert.same({ LINES, "" }, { count, rest:sub(1, 200) })
    end
    local pipe <close> = new_pipe(folder)
    assert.same({ LINES, "" }, { split(drained(pipe, start(pipe.path, script("", "")))) })
  end)

  it("stands before what is written to the same place afterwards", function()
    local code = [[
      local runtime = require "filo.core.runtime"
      for i = 1, 50 do
        runtime.log(i .. "\n")
        io.stderr:write(i, "\n")
      end
    ]]
    local wanted = {}
    for i = 1, 50 do wanted[i] = ("%d\n%d\n"):format(i, i) end
    local got
    for _ = 1, 20 do -- the log waits for no more than 10 ms: on a machine that has much to do they may pass
      got = process.run({ "-e", code }).err
      if got == table.concat(wanted) then break end
    end
    assert.equal(table.concat(wanted), got)
  end)

  it("has what the core tells in its format, with all bytes", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      runtime.log_format "json"
      error("\"\\\n\27 \xc3\xa4 \xff \xed\xa0\x80" .. ("x"):rep(10000), 0)
    ]] }
    local line = assert(json.decode(result.err))
    assert.same({ "error", "failed" }, { line.level, line.event })
    local text = "\"\\\n\27 \u{e4} \u{ff} \u{ed}\u{a0}\u{80}" .. ("x"):rep(10000)
    assert.equal(text, line.message:sub(1, #text))
    assert.is_truthy(utf8.len(result.err))
  end)

  -- A descriptor that is closed is that of the next file: the log went into it.
  it("goes nowhere when standard error is closed", function()
    local folder <close> = temp.folder()
    local code = ([[
      local file = io.open(%q, "w")
      require("filo.core.runtime").log "lost\n"
      file:write "kept"
      file:close()
    ]]):format(folder:file "file")
    local result = shell("exec %s -e %s <&- >&- 2>&-", temp.quote(runtime.program()), temp.quote(code)):wait()
    assert.equal(0, result.status)
    assert.equal("kept", folder:read "file")
  end)
end)
