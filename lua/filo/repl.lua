---The prompt, `filo -i`: each line is tried as an expression, whose values are shown, then as statements; an unfinished one
---goes on at the next prompt. Without a terminal it reads standard input in the same way, and shows no prompt.
---
---All lines run in one task that lives as long as the prompt, so that what they start lives on between them. Ctrl-C drops
---the line being typed, or cancels the wait of the line that runs (the runtime's guard interrupts one that computes).

local complete = require "filo.complete"
local editline = require "filo.core.editline"
local errors = require "filo.errors"
local filo = require "filo"
local inspect = require "filo.inspect"
local runtime = require "filo.core.runtime"

local PATIENCE = 3 -- so many times Ctrl-C, and a line that will not stop is left to itself
local MAX_NAMES = 200

local HELP = [[
Type Lua. The values of an expression are shown; an unfinished line goes on at
the next prompt. Nodes and tasks go on while you type and while a call waits.

  node = filo.node { root = "data", listen = "127.0.0.1:3000" }
  node:store("greeting", "hello")
  node:get("greeting"):read "a"
  node:connect "127.0.0.1:4000"

Tab completes names; Up and Ctrl-R find earlier lines. Ctrl-C drops a line, ends
a wait or interrupts a computation. Ctrl-D closes all nodes and leaves.]]

local help = setmetatable({}, {
  __tostring = function() return HELP end,
  __call = function() print(HELP) end,
})

-- Compiling -------------------------------------------------------------------------------------------------------------

local function is_incomplete(problem) return problem ~= nil and problem:sub(-5) == "<eof>" end

---A function; or nil, what is wrong, and whether more lines may put it right.
---@param number integer  of the first line, for messages
local function compile(source, number)
  local before = ("\n"):rep(number - 1)
  local chunk, problem = load(before .. "return " .. source, "=stdin")
  if chunk then return chunk end
  local statements, problem_of_statements = load(before .. source, "=stdin")
  if statements then return statements end
  return nil, problem_of_statements, is_incomplete(problem) or is_incomplete(problem_of_statements)
end

-- Showing ---------------------------------------------------------------------------------------------------------------

---As print has it, but values so that one sees what they are. In a pipe a string is just its bytes.
local function show_values(session, values)
  local texts, separator = {}, "\t"
  for i = 1, values.n do
    local value = values[i]
    texts[i] = not session.interactive and type(value) == "string" and value or inspect(value)
    if texts[i]:find "\n" then separator = "\n" end
  end
  if values.n > 0 then print(table.concat(texts, separator)) end
end

---The calls between the error and the line at the prompt: none when the line itself failed.
local function short_traceback(level)
  local lines = {}
  for line in debug.traceback("", level + 1):gmatch "\n\t([^\n]+)" do
    if line:find "filo/repl.lua:%d+: in " then break end
    local raising = #lines == 0 and line:find "^%[C%]: in function '%a+'"
    if not raising then lines[#lines + 1] = "\n\t" .. line end
  end
  lines[#lines] = nil -- the line itself
  return table.concat(lines)
end

local function error_text(problem)
  local meta = debug.getmetatable(problem)
  if type(problem) == "string" or type(meta) == "table" and rawget(meta, "__tostring") then return tostring(problem) end
  return "error: " .. inspect(problem)
end

---For xpcall: the error as a text for people.
local function describe(problem)
  local cancelled = type(problem) == "table" and rawget(problem, "code") == "cancelled"
  local text = error_text(problem) .. (cancelled and "" or short_traceback(2))
  return (text:gsub("[\0-\8\11-\31\127]", "?"))
end

local function complain(session, text)
  session.failed = true
  io.stdout:flush()
  if session.colours then
    io.stderr:write("\27[31m", text, "\27[0m\n")
  else
    io.stderr:write(session.interactive and "" or "filo: ", text, "\n")
  end
end

-- Running ---------------------------------------------------------------------------------------------------------------

local function run(session, chunk)
  local ok, problem = xpcall(function() show_values(session, table.pack(chunk())) end, describe)
  if not ok then complain(session, problem) end
  io.stdout:flush()
end

---The task in which the lines run. A cancellation that finds none running has come too late.
local function run_lines(session, worker)
  while not session.closed do
    if worker.chunk then
      run(session, worker.chunk)
      worker.chunk = nil
      runtime.wake(session.main)
    else
      pcall(runtime.suspend)
    end
  end
end

local function new_worker(session)
  local worker = {}
  worker.task = runtime.spawn(run_lines, session, worker)
  return worker
end

---Runs a line to its end, or until it is left to itself.
local function execute(session, chunk)
  local worker = session.worker
  worker.chunk, session.interrupts = chunk, 0
  runtime.wake(worker.task)
  while worker.chunk and session.worker == worker do runtime.suspend() end
  runtime.sleep(0) -- a Ctrl-C that has just come is still meant for this line
end

local function on_interrupt(session)
  local worker = session.worker
  if session.reading then
    session.input:interrupt()
  elseif worker.chunk then
    session.interrupts = session.interrupts + 1
    worker.task:cancel "interrupted"
    if session.interrupts < PATIENCE then return end
    complain(session, "this line does not stop; it goes on in the background")
    session.worker = new_worker(session)
    runtime.wake(session.main)
  end
end

-- Reading ---------------------------------------------------------------------------------------------------------------

local function prompt_text(first)
  local own = first and _G._PROMPT or not first and _G._PROMPT2
  return own and errors.text(own) or first and "> " or ">> "
end

---Ctrl-Z while a line is typed; otherwise the system's own way will do.
local function watch_stop(session, on)
  if session.interactive then runtime.on_signal("TSTP", on and function() session.input:stop() end or nil) end
end

local function read_line(session, first)
  session.reading = true
  watch_stop(session, true)
  local line, err = session.input:read(prompt_text(first))
  watch_stop(session, false)
  session.reading = false
  if line then
    session.line_number = session.line_number + 1
    if session.interactive then session.input:add_history(line) end
  end
  return line, err
end

---Reads lines until they make a chunk: a function; false when there is nothing to run; nil at the end of input.
local function read_chunk(session)
  local source, err = read_line(session, true)
  if err then return false end
  if not source then return nil end
  local number = session.interactive and 1 or session.line_number
  while true do
    local chunk, problem, incomplete = compile(source, number)
    if chunk then return chunk end
    local line
    if incomplete then
      line, err = read_line(session, false)
      if err then return false end
    end
    if not line then
      complain(session, problem)
      return false
    end
    source = source .. "\n" .. line
  end
end

-- The terminal -----------------------------------------------------------------------------------------------------------

local function history_path()
  local state = os.getenv "XDG_STATE_HOME"
  local home = os.getenv "HOME"
  if state and state:sub(1, 1) == "/" then return state .. "/filo/history" end
  return home and home ~= "" and home .. "/.local/state/filo/history" or nil
end

---Names side by side, as wide as the terminal.
local function columns(names, width)
  local widest, lines = 0, {}
  for _, name in ipairs(names) do widest = math.max(widest, #name + 2) end
  local a_line = math.max(1, width // widest)
  local count = math.min(#names, MAX_NAMES)
  for first = 1, count, a_line do
    local line = {}
    for i = first, math.min(first + a_line - 1, count) do line[#line + 1] = names[i] .. (" "):rep(widest - #names[i]) end
    lines[#lines + 1] = table.concat(line):gsub(" +$", "")
  end
  if count < #names then lines[#lines + 1] = ("... %d more"):format(#names - count) end
  return table.concat(lines, "\n")
end

local function open_terminal(session)
  local editor
  editor = assert(editline.open(function(line, cursor)
    local insert, names = complete(_G, line:sub(1, cursor))
    if insert == "" and #names > 1 then print(columns(names, editor:columns())) end
    return insert
  end))
  local path = history_path()
  local ok, err = true, nil
  if path then ok, err = editor:load_history(path) end
  if not ok then print("lines will not be remembered: " .. tostring(err)) end
  runtime.on_signal("INT", function() on_interrupt(session) end, true)
  runtime.on_signal("WINCH", function() editor:resize() end)
  return editor
end

local function close(session)
  session.closed = true
  for _, node in ipairs(filo.nodes()) do node:close() end
  if session.interactive then
    for _, signal in ipairs { "INT", "WINCH" } do runtime.on_signal(signal, nil) end
  end
  session.input:close()
end

local function set_globals()
  _G.filo = _G.filo or filo
  if _G.help == nil then _G.help = help end
end

local function prompt(session)
  local _ <close> = setmetatable({}, { __close = function() close(session) end })
  session.worker = new_worker(session)
  while true do
    local chunk = read_chunk(session)
    if chunk == nil then return end
    if chunk then execute(session, chunk) end
  end
end

---Runs the prompt until the end of input.
return function()
  local interactive = runtime.is_terminal(0) and runtime.is_terminal(1)
  local plain = (os.getenv "NO_COLOR" or "") ~= "" or os.getenv "TERM" == "dumb"
  local session = {
    main = runtime.current(), interactive = interactive, line_number = 0, interrupts = 0,
    colours = interactive and runtime.is_terminal(2) and not plain,
  }
  set_globals()
  if interactive then print(("filo %s (Lua 5.4). Ctrl-D leaves; help tells more."):format(filo.VERSION)) end
  session.input = interactive and open_terminal(session) or assert(editline.lines())
  prompt(session)
  if session.failed and not interactive then os.exit(1, true) end
end
