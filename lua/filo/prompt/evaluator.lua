---Evaluates what is typed at a prompt: text in, text out, so that what types may be elsewhere.
---
---All of it runs in one task that lives as long as the evaluator, so that what a line starts lives on when it has ended. A line that
---is interrupted leaves its wait (the runtime's watchdog ends one that computes); one that waits again each time is left to itself.

local complete = require "filo.prompt.complete"
local filo = require "filo"
local find_keys = require "filo.prompt.object_keys"
local help = require "filo.prompt.help"
local inspect = require "filo.prompt.inspect"
local runtime = require "filo.core.runtime"

---@class filo.EvaluatorOptions
---@field plain? boolean  a text is shown as it is, for another program to read
---@field limit? number  seconds that a line may compute without waiting
---@field exit? fun(status: integer)  what os.exit does to lines, and to what they start or call; it does not return

local PATIENCE = 3 -- so many interruptions, and a line is left to itself

---@class filo.Evaluator
local Evaluator = {}
Evaluator.__index = Evaluator

-- Compiling -------------------------------------------------------------------------------------------------------------

local function is_incomplete(problem) return problem ~= nil and problem:sub(-5) == "<eof>" end

---A function; or nil, what is wrong, and whether more lines may put it right.
local function compile(source, number, globals)
  local before = ("\n"):rep(number - 1)
  local chunk, problem = load(before .. "return " .. source, "=stdin", "t", globals)
  if chunk then return chunk end
  local statements, problem_of_statements = load(before .. source, "=stdin", "t", globals)
  if statements then return statements end
  return nil, problem_of_statements, is_incomplete(problem) or is_incomplete(problem_of_statements)
end

-- Texts -----------------------------------------------------------------------------------------------------------------

---As print has it, but values so that one sees what they are, and without nil at their end; nil when there are none.
local function values_text(values, plain)
  local texts, separator, count = {}, "\t", values.n
  while count > 1 and values[count] == nil do count = count - 1 end -- the error that there was none
  for i = 1, count do
    local value = values[i]
    texts[i] = plain and type(value) == "string" and value or inspect(value)
    if texts[i]:find "\n" then separator = "\n" end
  end
  return values.n > 0 and table.concat(texts, separator) or nil
end

---The calls between the error and the line at the prompt: none when the line itself failed. `misuse`: without Filo's own before them.
local function short_traceback(level, misuse)
  local lines = {}
  for line in debug.traceback("", level + 1):gmatch "\n\t([^\n]+)" do
    if line:find "filo/prompt/evaluator.lua:%d+: in " then break end
    local raising = #lines == 0 and (line:find "^%[C%]: in function '%a+'" or misuse and not line:find "^stdin:")
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

---For xpcall: the error as a text for people. `place`: of the line; an expression is called by the prompt, whose line is told for it.
local function describe(problem, place)
  local cancelled = type(problem) == "table" and rawget(problem, "code") == "cancelled"
  local text = error_text(problem):gsub("^filo/prompt/evaluator%.lua:%d+:", function() return place end)
  if not cancelled then text = text .. short_traceback(3, text:find "^stdin:") end
  return (text:gsub("[\0-\8\11-\31\127]", "?"))
end

-- Running ---------------------------------------------------------------------------------------------------------------

local function finish(job, state, text)
  if job.state then return end -- it was left to itself
  job.state, job.text = state, text
  runtime.wake(job.caller)
end

local function run(job, plain)
  local function tell(problem) return (describe(problem, job.place)) end
  local ok, text = xpcall(function() return values_text(table.pack(job.chunk()), plain) end, tell)
  finish(job, ok and "done" or "failed", text)
end

---A task in which lines run. A cancellation that finds none running has come too late.
local function work(self)
  local me = runtime.current()
  if self.exit then runtime.on_exit(self.exit) end
  while not self.closed do
    local job = self.job
    if job and job.worker == me and not job.state then
      run(job, self.plain)
    else
      pcall(runtime.suspend)
    end
  end
end

local function add_worker(self)
  local worker = runtime.spawn_detached(work, self)
  if self.limit then worker:limit(self.limit) end
  table.insert(self.workers, worker)
  return worker
end

---Runs a line to its end, or until it is left to itself.
local function execute(self, chunk, place)
  local worker = self.workers[#self.workers]
  local job = { chunk = chunk, place = place, caller = runtime.current(), worker = worker, interrupts = 0 }
  self.job = job
  runtime.wake(worker)
  while not job.state do runtime.suspend() end
  self.job = nil
  runtime.sleep(0) -- an interruption that has just come is still meant for this line
  return job.state, job.text
end

---Evaluates lines, as an expression if they are one, and waits for the end. One at a time.
---@param source string
---@param number integer  of the first line, for messages
---@return "done"|"failed"|"incomplete" state  incomplete: nothing was run, more lines may complete it
---@return string? text  the values, nil when there are none; or what is wrong
function Evaluator:evaluate(source, number)
  local chunk, problem, incomplete = compile(source, number, self.globals)
  if chunk then return execute(self, chunk, ("stdin:%d:"):format(number)) end
  return incomplete and "incomplete" or "failed", problem
end

---Runs a script, and waits for its end. What it returns is not told.
---@param source string
---@param chunk string  its name for messages, as for `load`
---@param arguments string[]  what it is given, and finds as `arg` with its own name at 0
---@return "done"|"failed" state
---@return string? text  what is wrong
function Evaluator:run(source, chunk, arguments)
  local script, problem = load(source:gsub("^#[^\n]*", "", 1), chunk, "t", self.globals)
  if not script then return "failed", problem end
  self.globals.arg = arguments
  return execute(self, function() script(table.unpack(arguments)) end, chunk:sub(2) .. ":")
end

---Interrupts what is being evaluated, if anything is.
function Evaluator:interrupt()
  local job = self.job
  if not job or job.state then return end
  job.interrupts = job.interrupts + 1
  if job.interrupts == PATIENCE then
    add_worker(self)
    finish(job, "failed", "this line does not stop; it goes on in the background")
  end
  job.worker:cancel "interrupted"
end

---What could follow the text before the cursor. May wait.
---@param text string
---@return string insert  what all have in common
---@return string[] names  that it could become
function Evaluator:complete(text) return complete(self.globals, text, find_keys) end

---Ends what was started.
function Evaluator:close()
  self.closed = true
  for _, worker in ipairs(self.workers) do worker:cancel() end
end

---@param globals table  what lines read and write; `filo` and `help` are added to it
---@param options filo.EvaluatorOptions
---@return filo.Evaluator
return function(globals, options)
  globals.filo = globals.filo or filo
  if globals.help == nil then globals.help = help end
  local self = setmetatable({
    globals = globals, plain = options.plain, limit = options.limit, exit = options.exit, workers = {},
  }, Evaluator)
  add_worker(self)
  return self
end
