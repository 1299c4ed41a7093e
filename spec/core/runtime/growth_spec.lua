-- The end of a task looked for it among all those that its parent had started, from the latest on: 40,000 took half a minute when they
-- ended in the order of their start. A gate sorted all who waited each time that it let them through.
--
-- Sixteen times as many may take 80 times as long: a search for each would take 256 times. It is the processor's time that is counted, and
-- the least of some runs, so that what else the machine does counts for little.

local filo = require "filo"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"
local runtime = require "filo.core.runtime"
local turns = require("spec.support.tasks").turns

local FEW, TIMES, MOST, RUNS = 1000, 16, 80, 3

local function start(count, fn)
  local tasks = {}
  for i = 1, count do tasks[i] = runtime.spawn(fn):observe() end
  turns()
  return tasks
end

local function cancel(tasks, first, last, step)
  for i = first, last, step do tasks[i]:cancel() end
  turns(2)
end

---Each of these ends `count` tasks that wait for something.
local ways = {
  ["in the order of their start"] = function(count)
    cancel(start(count, function() runtime.suspend() end), 1, count, 1)
  end,
  ["in the reverse of that order"] = function(count)
    cancel(start(count, function() runtime.suspend() end), count, 1, -1)
  end,
  ["as their parent ends"] = function(count)
    runtime.spawn(start, count, function() runtime.suspend() end):join()
    turns(2)
  end,
  ["which join another"] = function(count)
    local other = runtime.spawn(runtime.suspend):observe()
    cancel(start(count, function() other:join() end), 1, count, 1)
    other:cancel()
  end,
  ["as the one that they join ends"] = function(count)
    local other = runtime.spawn(runtime.suspend)
    start(count, function() other:join() end)
    runtime.wake(other)
    turns(2)
  end,
  ["before their deadlines"] = function(count)
    cancel(start(count, function() runtime.sleep(3600) end), 1, count, 1)
  end,
  ["before their deadlines, latest first"] = function(count)
    cancel(start(count, function() runtime.sleep(3600) end), count, 1, -1)
  end,
  ["at their virtual deadlines"] = function(count)
    runtime.virtual(function()
      local tasks = {}
      for i = 1, count do tasks[i] = runtime.spawn(runtime.sleep, i * 7919 % count) end
      for i = 1, count do tasks[i]:join() end
    end):join()
  end,
  ["which wait for a channel to be sent to"] = function(count)
    local channel = filo.channel()
    cancel(start(count, function() channel:receive() end), 1, count, 1)
  end,
  ["as a channel is sent to"] = function(count)
    local channel = filo.channel(count)
    start(count, function() channel:receive() end)
    for _ = 1, count do channel:send(true) end
    turns(2)
  end,
  ["as a channel is received from"] = function(count)
    local channel = filo.channel()
    start(count, function() channel:send(true) end)
    for _ = 1, count do channel:receive() end
    turns(2)
  end,
  ["which wait at a gate"] = function(count)
    local gate = new_gate(runtime)
    cancel(start(count, function() gate:wait() end), 1, count, 1)
  end,
  ["as a gate lets them through, again and again before they go"] = function(count)
    local gate = new_gate(runtime)
    start(count, function() gate:wait() end)
    for _ = 1, count // 100 do gate:wake() end
    turns(2)
  end,
  ["which wait for a lock"] = function(count)
    local locks = new_locks(runtime)
    local _ <close> = locks:take "key"
    cancel(start(count, function() local _ <close> = locks:take "key" end), 1, count, 1)
  end,
  ["as they have a lock in turn"] = function(count)
    local locks = new_locks(runtime)
    local tasks = start(count, function()
      local _ <close> = locks:take "key"
      turns()
    end)
    for _, task in ipairs(tasks) do task:join() end
  end,
}

local function least_time(fn, count)
  local least = math.huge
  for _ = 1, RUNS do
    collectgarbage()
    local began = os.clock()
    fn(count)
    least = math.min(least, os.clock() - began)
  end
  return least
end

describe("tasks end in a time that grows with their number alone", function()
  for name, fn in pairs(ways) do
    it(name, function()
      local ratio = least_time(fn, FEW * TIMES) / least_time(fn, FEW)
      assert.is_true(ratio < MOST, ("%d times as many took %.1f times as long"):format(TIMES, ratio))
    end)
  end
end)
