---The prompt, `filo -i`: reads lines, has them evaluated, shows what comes of them.
---
---Each line is tried as an expression, whose values are shown, then as statements; an unfinished one goes on at the next prompt. Without
---a terminal it reads standard input in the same way, and shows no prompt. What evaluates and completes lines is prompt/evaluator.lua,
---which knows no terminal.

local at_end = require "filo.host.at_end"
local editline = require "filo.core.editline"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local filo = require "filo"
local new_evaluator = require "filo.prompt.evaluator"
local open_terminal = require "filo.prompt.terminal"
local runtime = require "filo.core.runtime"

local EPIPE = 32

local function complain(session, text)
  session.failed = true
  if session.colours then
    io.stderr:write("\27[31m", text, "\27[0m\n")
  else
    io.stderr:write(session.interactive and "" or "filo: ", text, "\n")
  end
end

---False when nobody takes what is written. (Who has closed the pipe has read enough, and is told nothing.)
local function respond(session, state, text)
  if state == "done" and text then io.stdout:write(text, "\n") end
  local ok, problem, code = io.stdout:flush()
  if not ok then
    session.failed = true
    if code ~= EPIPE then complain(session, "cannot write what a line gave: " .. problem) end
    return false
  end
  if state ~= "done" then complain(session, text) end
  return true
end

local function prompt_text(first)
  local own = first and _G._PROMPT or not first and _G._PROMPT2
  return own and errors.text(own) or first and "> " or ">> "
end

local function read_line(session, first)
  local line, err = session.input:read(prompt_text(first))
  if line then session.line_number = session.line_number + 1 end
  return line, err
end

local LEAVING = { exit = true, quit = true }

---What a line means that is no Lua: nil, to leave; or a line of Lua. `=x` shows x, as in `lua`.
local function translate(source)
  if source:sub(1, 1) == "=" then return "return " .. source:sub(2) end
  local word = source:match "^%s*(%a+)[%s();]*$"
  if LEAVING[word] and _G[word] == nil then return nil end
  local name = source:match "^%s*help%s+([%w_.:-]+)%s*$"
  return name and ("help %q"):format(name) or source
end

---Reads lines until they can be run, and shows what comes of them. False at the end.
local function read_and_answer(session)
  local source, err = read_line(session, true)
  if not source then return err ~= nil end
  source = translate(source)
  if not source then return false end
  local number = session.interactive and 1 or session.line_number
  while true do
    local state, text = session.evaluator:evaluate(source, number)
    local line
    if state == "incomplete" then line, err = read_line(session, false) end
    if not line then return err ~= nil or respond(session, state, text) and not session.evaluator.lost end
    source = source .. "\n" .. line
  end
end

local function open_input(session)
  if not session.interactive then return assert(editline.lines()) end
  return open_terminal(function(text) return session.evaluator:complete(text) end, function() session.evaluator:interrupt() end)
end

local function close(session)
  session.evaluator:close()
  for _, node in ipairs(filo.nodes()) do node:close() end
  session.input:close()
end

---An evaluator here, or elsewhere.
local function open_evaluator(open_remote, plain)
  if not open_remote then return new_evaluator(_G, { plain = plain }) end
  local evaluator, err = open_remote(plain)
  if evaluator then return evaluator end
  io.stderr:write("filo: ", errors.text(err), "\n")
  os.exit(exit.of(err), true)
end

local function greeting(open_remote)
  local within = open_remote and ", in a running node: `node`" or ""
  return ("filo %s (%s)%s. exit leaves, help tells more."):format(filo.VERSION, _VERSION, within)
end

---Runs the prompt until the end of input.
---@param open_remote? fun(plain: boolean): filo.RemoteEvaluator?, filo.Error?  lines are evaluated there, in a running node
return function(open_remote)
  local interactive = runtime.is_terminal(0) and runtime.is_terminal(1)
  local uncoloured = (os.getenv "NO_COLOR" or "") ~= "" or os.getenv "TERM" == "dumb"
  local session = {
    interactive = interactive, line_number = 0, colours = interactive and runtime.is_terminal(2) and not uncoloured,
    evaluator = open_evaluator(open_remote, not interactive),
  }
  if interactive then print(greeting(open_remote)) end
  session.input = open_input(session)
  do
    local _ <close> = at_end(function() close(session) end)
    while read_and_answer(session) do end
  end
  if session.evaluator.lost or session.failed and not interactive then os.exit(1, true) end
end
