---Tasks in straight-line code: spawn, join, cancel, deadlines, channels. Over filo.core.runtime.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local runtime = require "filo.core.runtime"

local task = {}

-- Misuse is an error at the line of the caller of the function that calls one of these.

local function check_function(what, fn)
  if type(fn) ~= "function" then error(what .. ": a function expected", 3) end
end

local function check_functions(what, list, least)
  local valid = type(list) == "table" and #list >= least
  for _, fn in ipairs(valid and list or {}) do valid = valid and type(fn) == "function" end
  if not valid then
    error(what .. ": a list of functions expected" .. (least > 0 and ", with one at least" or ""), 3)
  end
end

local function check_seconds(what, seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then error(what .. ": a number of seconds expected", 3) end
end

---Starts a function as a task of its own, which is cancelled when the task that started it ends.
---@param fn function
---@param ... any  its arguments
---@return filo.Task
task.spawn = runtime.spawn

---Waits. 0 gives every other task and socket a turn.
---@param seconds number
function task.sleep(seconds)
  check_seconds("sleep", seconds)
  if seconds < 0 then error("sleep: seconds must be 0 or more", 2) end
  return runtime.sleep(seconds)
end

---Runs fn; when it has not ended after `seconds`, cancels it and returns nil and a timeout error.
---@param seconds number
---@param fn function
---@param ... any
---@return any ...  what fn returned, or nil, err
function task.timeout(seconds, fn, ...)
  check_seconds("timeout", seconds)
  check_function("timeout", fn)
  local child = runtime.spawn(fn, ...):observe()
  local results = table.pack(child:join(seconds))
  if child:status() == "ended" then return table.unpack(results, 1, results.n) end
  child:cancel "its time is over"
  return errors.fail("timeout", ("not done after %g s"):format(seconds))
end

---Starts a task that calls fn each so many seconds, for the first time when these have passed. It never runs twice at once: what falls into
---the time that a call takes is left out. An error ends it, as it ends any task.
---@param seconds number  more than 0
---@param fn function
---@param ... any  its arguments
---@return filo.Task
function task.every(seconds, fn, ...)
  check_seconds("every", seconds)
  if seconds <= 0 then error("every: seconds must be more than 0", 2) end
  check_function("every", fn)
  return runtime.spawn(function(...)
    local began = runtime.now()
    while true do
      runtime.sleep(seconds - (runtime.now() - began) % seconds)
      fn(...)
    end
  end, ...)
end

local function start_all(functions)
  local tasks = {}
  for i, fn in ipairs(functions) do tasks[i] = runtime.spawn(fn):observe() end
  return tasks
end

local function cancel_all(tasks)
  for _, each in ipairs(tasks) do each:cancel() end
end

---Runs all functions at once and waits for all of them. An error in one cancels the others and is raised here.
---@param functions function[]
---@return table  of the first result of each, by its position
function task.all(functions)
  check_functions("all", functions, 0)
  local tasks, results = start_all(functions), {}
  local _ <close> = at_end(function() cancel_all(tasks) end)
  local done = task.channel(math.max(1, #tasks))
  for i, each in ipairs(tasks) do
    runtime.spawn(function() done:send { i, pcall(each.join, each) } end)
  end
  for _ = 1, #tasks do
    local i, ok, value = table.unpack(done:receive(), 1, 3)
    if not ok then error(value, 0) end
    results[i] = value
  end
  return results
end

---Runs all functions at once and returns what the first one to end returned; the others are cancelled.
---@param functions function[]
---@return any ...
function task.race(functions)
  check_functions("race", functions, 1)
  local tasks = start_all(functions)
  local _ <close> = at_end(function() cancel_all(tasks) end)
  local done = task.channel(#tasks)
  for _, each in ipairs(tasks) do
    runtime.spawn(function() done:send(table.pack(pcall(each.join, each))) end)
  end
  local first = done:receive()
  if not first[1] then error(first[2], 0) end
  return table.unpack(first, 2, first.n)
end

---A queue between tasks.
---@class filo.Channel
local Channel = {}
Channel.__index = Channel

---A queue between tasks that holds up to `capacity` values (default 1) and makes senders wait beyond that.
---@param capacity? integer
---@return filo.Channel
function task.channel(capacity)
  capacity = capacity or 1
  if math.type(capacity) ~= "integer" or capacity < 1 then error("channel: an integer from 1 to 1000000 expected", 2) end
  -- Its values, `count` of them, lie in a ring of `capacity` places, from `first` on.
  return setmetatable({
    capacity = capacity, count = 0, first = 1, senders = runtime.line(), receivers = runtime.line(), closed = false,
  }, Channel)
end

local function check_channel(self, what)
  if getmetatable(self) ~= Channel then
    error(("%s: a channel expected: is there a dot in place of the colon, as in channel:%s?"):format(what, what), 3)
  end
end

function Channel:__tostring()
  return ("channel with %d of %d values%s"):format(self.count, self.capacity, self.closed and ", closed" or "")
end

---Waits in line until woken or the deadline passes.
---@return boolean woken
local function wait_in(line, deadline) return line:wait(deadline and deadline - runtime.now()) end

---Puts a value (not nil) in; waits while the channel is full. nil, err after the deadline or when it is closed.
---@param value any
---@param seconds? number
---@return true?, filo.Error?
function Channel:send(value, seconds)
  check_channel(self, "send")
  if value == nil then error("a channel cannot carry nil", 2) end
  if seconds ~= nil then check_seconds("send", seconds) end
  local deadline = seconds and runtime.now() + seconds
  local in_time = true
  while self.count == self.capacity and not self.closed do
    if not in_time then return errors.fail("timeout", "the channel stayed full") end
    in_time = wait_in(self.senders, deadline)
  end
  if self.closed then return errors.fail("closed", "the channel is closed") end
  self[(self.first + self.count - 1) % self.capacity + 1] = value
  self.count = self.count + 1
  self.receivers:wake()
  return true
end

---Takes the oldest value; waits while there is none. nil, err after the deadline or when it is closed and empty.
---@param seconds? number
---@return any, filo.Error?
function Channel:receive(seconds)
  check_channel(self, "receive")
  if seconds ~= nil then check_seconds("receive", seconds) end
  local deadline = seconds and runtime.now() + seconds
  local in_time = true
  while self.count == 0 do
    if self.closed then return errors.fail("closed", "the channel is closed") end
    if not in_time then return errors.fail("timeout", "nothing came in time") end
    in_time = wait_in(self.receivers, deadline)
  end
  local first, left = self.first, self.count - 1
  local value = self[first]
  self[first], self.count = false, left
  self.first = left > 0 and first % self.capacity + 1 or 1
  self.senders:wake()
  return value
end

---Ends it: senders fail, receivers get what is left and then fail.
function Channel:close()
  check_channel(self, "close")
  self.closed = true
  self.senders:wake_all()
  self.receivers:wake_all()
end

return task
