---This program on a real pseudo-terminal, made by script(1), with what one would see on it.
---
---    local terminal <close> = new_terminal { "-i", env = { NAME = "value" } }
---    terminal:type "1 + 1\r"
---    terminal:expect "> 1 + 1\n2\n>"     -- the end of what is shown, whole lines
---    local status = terminal:wait()

local new_screen = require "spec.support.screen"
local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

local DEADLINE = 30
local PAUSE = 0.01

local Terminal = {}
Terminal.__index = Terminal

local SESSION = [[
  trap : INT QUIT TSTP
  cd %s
  stty sane rows %d cols %d
  stty -a >before
  tty >tty
  sh -c 'echo $$ >pid; exec "$0" "$@"' %s
  echo $? >status
  stty -a >after
]]

local function quoted(words)
  local list = {}
  for _, word in ipairs(words) do list[#list + 1] = temp.quote(word) end
  return table.concat(list, " ")
end

---Options: the arguments; env; rows and columns; home: a folder.
local function new(options)
  local folder = temp.folder()
  local rows, columns = options.rows or 24, options.columns or 80
  local session = SESSION:format(temp.quote(folder.path), rows, columns,
    quoted { runtime.program(), table.unpack(options) })
  folder:write("session", session)
  os.execute("mkfifo " .. folder:file "keys")
  local env = { TERM = "xterm", SHELL = "/bin/sh", HOME = options.home or folder.path, XDG_STATE_HOME = "", NO_COLOR = "1" }
  for name, value in pairs(options.env or {}) do env[name] = value end
  local keys = assert(io.open(folder:file "keys", "r+"))
  keys:setvbuf "no"
  local command = ("exec script -qfc 'sh %s' /dev/null <%s"):format(folder:file "session", folder:file "keys")
  local child = process.start { program = "sh", "-c", command, env = env }
  local screen = new_screen(rows, columns)
  return setmetatable({ folder = folder, keys = keys, child = child, screen = screen, read = 0 }, Terminal)
end

---The bytes so far.
function Terminal:written() return self.child.result and self.child.result.out or (self.child:output()) end

---What is shown now.
local function shown(self)
  local written = self:written()
  self.screen:write(written:sub(self.read + 1))
  self.read = #written
  return self.screen:text()
end

function Terminal:type(keys) self.keys:write(keys) end

---Waits until fn(text) is true of what is shown.
function Terminal:wait_until(fn, wanted)
  local deadline = runtime.now() + DEADLINE
  while not fn(shown(self)) do
    if runtime.now() > deadline then error(("not shown: %s\ninstead:\n%s"):format(wanted, shown(self)), 0) end
    runtime.sleep(PAUSE)
  end
end

---Waits until what is shown ends with these lines.
function Terminal:expect(lines)
  self:wait_until(function(text) return ("\n" .. text):sub(-#lines - 1) == "\n" .. lines end, lines)
end

---Waits for what one would see to be there somewhere.
function Terminal:expect_somewhere(part)
  self:wait_until(function(text) return text:find(part, 1, true) end, part)
end

function Terminal:text() return shown(self) end

function Terminal:resize(rows, columns)
  self.screen.rows, self.screen.columns = rows, columns
  os.execute(("stty -F %s rows %d cols %d"):format(self.folder:read("tty"):match "%S+", rows, columns))
end

function Terminal:kill(signal) os.execute(("kill -%s %s"):format(signal, self.folder:read "pid")) end

---What stty says, but for the size.
local function modes(self, name) return (self.folder:read(name):gsub("rows %d+; columns %d+", "")) end

---Waits for the end of the program. Gives its exit status, and whether the terminal is as it was before.
function Terminal:wait()
  self.child:wait()
  return tonumber(self.folder:read "status"), modes(self, "before") == modes(self, "after")
end

function Terminal:close()
  self.child:close()
  self.keys:close()
  self.folder:remove()
end

Terminal.__close = Terminal.close

return new
