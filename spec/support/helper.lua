---Around each test: what it started must have ended, and no descriptor may be left open.
---With `busted -Xhelper FILE`, how long each test took is written to that file.
---FILO_GC=stress makes the collector run all the time, so that anything not kept alive is soon missed.

local busted = require "busted"
local descriptors = require "spec.support.descriptors"
local runtime = require "filo.core.runtime"

local SETTLE_SECONDS = 5

if os.getenv "FILO_GC" == "stress" then collectgarbage("incremental", 1, 1000, 1) end

---Descriptors that are open now and were not before.
local function leaked(before)
  local extra = {}
  for name, target in pairs(descriptors()) do
    if before[name] ~= target then extra[#extra + 1] = target end
  end
  return extra
end

---Tasks and descriptors that were not there before.
local function left(before) return runtime.live_tasks() - before.tasks, leaked(before.descriptors) end

local before, name

if arg[1] then require "spec.support.times"(arg[1]) end

busted.subscribe({ "test", "start" }, function(test) name = test.name end)

busted.before_each(function()
  runtime.sleep(0) -- a turn of the loop: the watchdog measures each test by itself
  before = { tasks = runtime.live_tasks(), descriptors = descriptors() }
end)

busted.after_each(function()
  local deadline = runtime.now() + SETTLE_SECONDS
  local tasks, extra = left(before)
  while (tasks > 0 or #extra > 0) and runtime.now() < deadline do -- what was told to end needs some turns of the loop to do so
    runtime.sleep(0.001)
    tasks, extra = left(before)
  end
  if tasks > 0 then error(("'%s' left %d tasks running"):format(name, tasks), 0) end
  if #extra > 0 then error(("'%s' left descriptors open: %s"):format(name, table.concat(extra, ", ")), 0) end
end)
