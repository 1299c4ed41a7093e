---Child processes, by default of this same binary. A wait lets the loop go on and has a deadline; what is still running
---then is killed, and the error shows what it wrote.
---
---    local child <close> = process.start { "script.lua", "argument", env = { NAME = "value" }, stdin = "text" }
---    child:expect "ready"
---    child:kill "INT"
---    local result = child:wait()          -- result.status or result.signal, result.out, result.err
---    local result = process.run { "-v" }  -- start and wait

local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

local DEADLINE = 60
local PAUSE = 0.005

local Child = {}
Child.__index = Child

---Who waits for the end of which child.
local waiting = {}

---True once a process has ended, though perhaps nobody has reaped it.
local function has_ended(pid)
  local file <close> = io.open(("/proc/%s/stat"):format(pid))
  if not file then return true end
  return file:read("a"):match "%)%s(%a)[^)]*$" == "Z"
end

local function on_child_signal()
  for child, task in pairs(waiting) do
    if has_ended(child.pid) then runtime.wake(task) end
  end
end

local function environment(variables)
  local words = {}
  for name, value in pairs(variables or {}) do words[#words + 1] = temp.quote(name .. "=" .. value) end
  return table.concat(words, " ")
end

local function command_line(options, folder)
  local words = { temp.quote(options.program or runtime.program()) }
  for _, argument in ipairs(options) do words[#words + 1] = temp.quote(argument) end
  local input = options.stdin and folder:write("stdin", options.stdin) or "/dev/null"
  local go = options.cwd and ("cd %s && "):format(temp.quote(options.cwd)) or ""
  return ("echo $$; %sexec env %s %s <%s >%s 2>%s"):format(go, environment(options.env), table.concat(words, " "),
    temp.quote(input), temp.quote(folder:file "stdout"), temp.quote(folder:file "stderr"))
end

---Options: the arguments in order; env: a table; stdin: a text; cwd: a folder; program: another one than this.
local function start(options)
  runtime.on_signal("CHLD", on_child_signal)
  local folder = temp.folder()
  folder:write("stdout", "")
  folder:write("stderr", "")
  local pipe = assert(io.popen(command_line(options, folder)))
  return setmetatable({ pipe = pipe, pid = assert(pipe:read "l"), folder = folder }, Child)
end

function Child:kill(signal) os.execute(("kill -%s %s"):format(signal or "TERM", self.pid)) end

function Child:has_ended() return has_ended(self.pid) end

---What it wrote so far, on stdout and stderr.
function Child:output() return self.folder:read "stdout", self.folder:read "stderr" end

local function reap(self)
  local _, how, number = self.pipe:close()
  local out, err = self:output()
  self.result = { out = out, err = err, [how == "exit" and "status" or "signal"] = number }
  self.folder:remove()
  return self.result
end

local function give_up(self, wanted, seconds)
  self:kill "KILL"
  local result = reap(self)
  error(("no %s after %g s; stdout:\n%s\nstderr:\n%s"):format(wanted, seconds, result.out, result.err), 0)
end

---Waits until the process has ended.
function Child:wait(seconds)
  seconds = seconds or DEADLINE
  if self.result then return self.result end
  local deadline = runtime.now() + seconds
  waiting[self] = runtime.current()
  while not has_ended(self.pid) do
    local left = deadline - runtime.now()
    if left <= 0 or not runtime.suspend(left) then break end
  end
  waiting[self] = nil
  return has_ended(self.pid) and reap(self) or give_up(self, "end", seconds)
end

---Waits until what it wrote on stdout or stderr matches the pattern; returns the captures.
function Child:expect(pattern, seconds)
  seconds = seconds or DEADLINE
  local deadline = runtime.now() + seconds
  repeat
    local ended = has_ended(self.pid)
    local out, err = self:output()
    local found = (out:find(pattern) and out) or (err:find(pattern) and err)
    if found then return found:match(pattern) end
    if not ended then runtime.sleep(PAUSE) end
  until ended or runtime.now() > deadline
  give_up(self, ("'%s'"):format(pattern), seconds)
end

function Child:close()
  if self.result then return end
  self:kill "KILL"
  reap(self)
end

Child.__close = Child.close

local function run(options)
  local child <close> = start(options)
  return child:wait(options.seconds)
end

return { start = start, run = run, has_ended = has_ended }
