---Programs in processes of their own, without a shell, while everything else goes on. Over filo.core.process.

local core_process = require "filo.core.process"
local errors = require "filo.base.errors"
local inside = require "filo.base.inside"
local limits = require "filo.host.limits"
local options = require "filo.base.options"
local runtime = require "filo.core.runtime"
local sorted_keys = require "filo.base.sorted_keys"

local program = {}

---Bytes of one read.
local STEP = 64 << 10

-- What a script gives ---------------------------------------------------------------------------------------------------

local function is_text(value) return type(value) == "string" and not value:find "\0" end

local function check_folder(value)
  if value == "" or value:find "\0" then return "must be a path" end
end

local function check_variables(variables)
  for name, value in pairs(variables) do
    if not is_text(name) or name == "" or name:find "=" then return "must have names as keys, without '=' and NUL" end
    if not is_text(value) and not math.type(value) and value ~= false then
      return ("must have texts without NUL; that of '%s' is none"):format(name)
    end
  end
end

local function check_seconds(seconds)
  if seconds ~= seconds then return "must be a number of seconds" end
end

local STARTED = { cwd = { type = "string", check = check_folder }, env = { type = "table", check = check_variables, default = {} } }

local RUN = {
  cwd = STARTED.cwd, env = STARTED.env,
  stdin = { type = "string", default = "" }, seconds = { type = "number", check = check_seconds },
}

---The words of a command, and its options.
local function check(what, command, schema)
  if type(command) ~= "table" then error(what .. ": a table with a program and its arguments expected", 3) end
  local words, named = {}, {}
  for key, value in pairs(command) do
    local into = math.type(key) == "integer" and words or named
    into[key] = value
  end
  local count = 0
  for _ in pairs(words) do count = count + 1 end
  if count == 0 or #words ~= count or words[1] == "" then error(what .. ": a program expected, then its arguments, without a gap", 3) end
  for i, word in ipairs(words) do
    if not is_text(word) and not math.type(word) then
      error(("%s: argument %d must be a text without NUL, or a number"):format(what, i - 1), 3)
    end
    words[i] = tostring(word)
  end
  return words, options.check(what, named, schema, 3)
end

---As the core takes texts: each with a NUL at its end.
local function pack(texts) return table.concat(texts, "\0") .. (texts[1] and "\0" or "") end

---"NAME=value", or "NAME" to be without it.
local function pack_variables(variables)
  local texts = {}
  for i, name in ipairs(sorted_keys(variables)) do
    local value = variables[name]
    texts[i] = value and ("%s=%s"):format(name, value) or name
  end
  return pack(texts)
end

-- Processes -------------------------------------------------------------------------------------------------------------

---A program that runs or has ended. A `<close>` variable, or to be closed.
---@class filo.Process
---@field pid integer
---@field stdin filo.core.Raw  to be written to, and closed: many programs wait for that
---@field stdout filo.core.Raw  to be read: a program waits while much that it wrote is not
---@field stderr filo.core.Raw
local Process = {}
Process.__index = Process

---Waits until it has ended, and gives how. Who is cancelled here ends it: by close, or with Filo.
local function watch(state)
  local handle <close> = state.handle
  local watched, ended, err = pcall(handle.wait, handle)
  if watched then return ended, err end
  state.parting = true
  handle:kill "TERM"
  ended = handle:wait(limits.parting)
  if ended then return ended end
  handle:kill "KILL"
  return handle:wait()
end

local function start(words, settings)
  local handle, pid, stdin, stdout, stderr = core_process.start(pack(words), pack_variables(settings.env), settings.cwd)
  if not handle then return nil, pid end
  local state = { handle = handle, name = words[1] }
  state.watcher = runtime.spawn_detached(watch, state):observe()
  local process = setmetatable({ pid = pid, stdin = stdin, stdout = stdout, stderr = stderr }, Process)
  return inside.keep(process, state)
end

---@param self filo.Process
local function state_of(self, what)
  return inside.of(self) or error(("process:%s expected, with a colon"):format(what), 3)
end

function Process:__tostring() return ("process %d, %s"):format(self.pid, state_of(self, "close").name) end

---Waits until it has ended.
---@param seconds? number
---@return { status: integer?, signal: integer? }?  its exit status, or the number of the signal that ended it
---@return filo.Error? err  "timeout": it goes on
function Process:wait(seconds)
  local state = state_of(self, "wait")
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds) then error("wait: a number of seconds expected", 2) end
  local ended, err = state.watcher:join(seconds)
  if ended then return { status = ended.status, signal = ended.signal } end
  if state.watcher:status() == "ended" then return nil, err end
  return errors.fail("timeout", ("%s goes on after %g s"):format(state.name, seconds))
end

---Sends it a signal; it may catch that.
---@param signal? string  its name without SIG: "TERM" (the default), "INT", "HUP", "KILL" ...
---@return true?, filo.Error? err  "not_found": it has ended
function Process:kill(signal)
  local state = state_of(self, "kill")
  if signal ~= nil and not is_text(signal) then error("kill: the name of a signal expected, such as TERM", 2) end
  if state.watcher:status() == "ended" then return errors.fail("not_found", state.name .. " has ended") end
  local ok, err = state.handle:kill(signal or "TERM")
  if not ok and err.code == "invalid" then error("kill: " .. err.message, 2) end
  return ok, err
end

---Ends it, unless it has ended, and waits for that: SIGTERM, and SIGKILL 2 seconds later. What it started itself goes on. Its standard
---input, output and error are closed.
function Process:close()
  local state = state_of(self, "close")
  self.stdin:close()
  self.stdout:close()
  self.stderr:close()
  if not state.parting then state.watcher:cancel() end
  state.watcher:join()
end

Process.__close = Process.close

---Starts a program, without a shell: its name, looked for in PATH, or its path; then its arguments. `cwd`: the folder where it is
---started; `env`: variables beside Filo's own, by name, `false` takes one away. It is in the process group of Filo: a terminal's Ctrl-C
---reaches it. What still runs when Filo ends is ended as by `close`.
---@param command { [integer]: string|number, cwd: string?, env: table<string, string|number|false>? }
---@return filo.Process?, filo.Error? err  "not_found", "denied": there is no such program, or it may not be run
function program.start(command)
  return start(check("start", command, STARTED))
end

-- Running one to its end ------------------------------------------------------------------------------------------------

---@class filo.Ran
---@field status? integer  its exit status
---@field signal? integer  number of the signal that ended it
---@field stdout string
---@field stderr string

---Reads to the end, or until the program has ended and what it left running is silent.
local function read_all(ran, stream, pieces)
  local piece, err
  repeat
    piece, err = stream:read(STEP, limits.left_running)
    pieces[#pieces + 1] = piece
    ran.bytes = ran.bytes + #(piece or "")
    if ran.bytes > limits.output then return ran.process:close() end
  until not piece and (err.code ~= "timeout" or ran.ended)
end

local function feed(stream, text)
  if stream:write(text) then stream:close() end
end

---Reads and writes until it has ended, or until the deadline; gives what process:wait does.
local function attend(ran, process, settings)
  local deadline = settings.seconds and runtime.now() + settings.seconds
  local function left() return deadline and deadline - runtime.now() end
  runtime.spawn(feed, process.stdin, settings.stdin):observe()
  local readers = {
    runtime.spawn(read_all, ran, process.stdout, ran.stdout):observe(),
    runtime.spawn(read_all, ran, process.stderr, ran.stderr):observe(),
  }
  local ended, err = process:wait(left())
  ran.ended = ended ~= nil
  for _, reader in ipairs(ended and readers or {}) do reader:join(left()) end
  return ended, err
end

---Runs a program to its end: as `filo.start`, with `stdin`, the text that it reads (none by default), and `seconds`, after which it is
---ended. It may write 64 MiB. What it leaves running (a shell's `&`) is listened to until it says nothing for a second.
---@param command { [integer]: string|number, stdin: string?, cwd: string?, env: table<string, string|number|false>?, seconds: number? }
---@return filo.Ran?  also when it failed: look at `status`
---@return filo.Error? err  as of `filo.start`; "timeout" and "too_large": it was ended
function program.run(command)
  local words, settings = check("run", command, RUN)
  local process <close>, problem = start(words, settings)
  if not process then return nil, problem end
  local ran = { bytes = 0, process = process, stdout = {}, stderr = {} }
  local ended, err = attend(ran, process, settings)
  if ran.bytes > limits.output then
    local text = "%s wrote more than %d MiB and was ended: read it with filo.start"
    return errors.fail("too_large", text:format(words[1], limits.output >> 20))
  end
  if not ended and err.code == "timeout" then
    return errors.fail("timeout", ("%s had not ended after %g s, and was ended"):format(words[1], settings.seconds))
  end
  if not ended then return nil, err end
  ended.stdout, ended.stderr = table.concat(ran.stdout), table.concat(ran.stderr)
  return ended
end

return program
