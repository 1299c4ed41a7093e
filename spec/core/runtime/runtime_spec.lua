local interruptible = require "spec.support.interruptible"
local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local support = require "spec.support.tasks"
local temp = require "spec.support.temp"

local at_end, forever, nothing, turns = support.at_end, support.forever, support.nothing, support.turns

describe("many tasks", function()
  it("run side by side", function()
    local tasks, sum = {}, 0
    for i = 1, 1000 do
      tasks[i] = runtime.spawn(function()
        for _ = 1, 3 do runtime.sleep(i % 7 / 10000) end
        sum = sum + i
        return i
      end)
    end
    for i = 1, 1000 do assert.equal(i, tasks[i]:join()) end
    assert.equal(500500, sum)
  end)

  it("are all cancelled", function()
    local tasks, closed = {}, 0
    for i = 1, 1000 do
      tasks[i] = runtime.spawn(function()
        local _ <close> = at_end(function() closed = closed + 1 end)
        forever()
      end)
    end
    turns(2)
    for i = 1, 1000 do tasks[i]:cancel() end
    for i = 1, 1000 do assert.is_false(pcall(tasks[i].join, tasks[i])) end
    assert.equal(1000, closed)
  end)

  it("pass a message around a ring", function()
    local tasks, hops = {}, 0
    for i = 1, 100 do
      tasks[i] = runtime.spawn(function()
        while true do
          runtime.suspend()
          hops = hops + 1
          if hops == 5000 then return end
          runtime.wake(tasks[i % 100 + 1])
        end
      end)
    end
    turns(2)
    runtime.wake(tasks[1])
    tasks[(5000 - 1) % 100 + 1]:join()
    assert.equal(5000, hops)
    for _, task in ipairs(tasks) do task:cancel() end
  end)

  it("survive a collector that runs all the time", function()
    local _ <close> = at_end(function() collectgarbage("incremental", 200, 100, 13) end)
    collectgarbage("incremental", 1, 1000, 1)
    local done = 0
    for i = 1, 200 do
      runtime.spawn(function()
        local object = setmetatable({}, { __gc = nothing })
        pcall(coroutine.wrap(function()
          runtime.sleep(i % 3 / 1000)
          collectgarbage "step"
          if i % 2 == 0 then error { object } end
        end))
        done = done + 1
      end)
      if i % 10 == 0 then turns() end
    end
    while done < 200 do turns() end
    assert.equal(200, done)
  end)

  it("leave nothing behind", function()
    local function round()
      for i = 1, 100 do
        local task = runtime.spawn(function()
          runtime.sleep(0)
          if i % 2 == 0 then error "boom" end
        end):observe()
        if i % 3 == 0 then task:cancel() end
      end
      turns(5)
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    round()
    local before = round()
    for _ = 1, 4 do round() end
    assert.is_true(round() < before + 50)
  end)
end)

describe("a task that fails", function()
  it("is reported with its traceback when nobody looks", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      runtime.spawn(function() local function deep() error "lost" end deep() end)
      runtime.sleep(0.01)
      print "went on"
    ]] }
    assert.equal(0, result.status)
    assert.equal("went on\n", result.out)
    assert.matches("^filo: %(command line%):%d+: lost\nstack traceback:\n", result.err)
    assert.matches("deep", result.err)
  end)

  it("is not reported when somebody looks, or when it was cancelled", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local a = runtime.spawn(function() error "seen" end):observe()
      local b = runtime.spawn(function() error "joined" end)
      local c = runtime.spawn(function() runtime.sleep(100) end)
      pcall(b.join, b)
      c:cancel()
      runtime.sleep(0.01)
    ]] }
    assert.same({ status = 0, out = "", err = "" }, result)
  end)

  it("is reported whatever its error is", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local function fail_with(problem)
        runtime.spawn(function() error(problem) end)
        runtime.sleep(0)
        runtime.sleep(0)
      end
      fail_with { }
      fail_with(nil)
      fail_with(setmetatable({}, { __tostring = function() return "an object" end }))
      fail_with(setmetatable({}, { __tostring = function() error "again" end }))
      fail_with(setmetatable({}, { __tostring = function() return {} end }))
      fail_with(setmetatable({}, { __tostring = function() runtime.sleep(1) end }))
      fail_with(setmetatable({}, { __tostring = function() return string.rep("long", 100000) end }))
      runtime.spawn(function() local function loop() return 1 + loop() end loop() end)
      runtime.sleep(0)
      runtime.sleep(0)
      print "went on"
    ]] }
    assert.equal("went on\n", result.out)
    assert.equal(0, result.status)
    for _, text in ipairs {
      "(error object is a table value)", "(error object is a nil value)", "an object",
      "(error object whose __tostring fails)", "longlong", "stack overflow",
    } do
      assert.matches(text, result.err, 1, true)
    end
  end)
end)

describe("a script that computes for too long", function()
  if not interruptible then
    pending "this build delivers signals late"
    return
  end

  it("is reported with its traceback, and goes on", function()
    local began = runtime.now()
    local result = process.run { "-e", [[
      local function busy()
        local until_ = os.clock() + 1.25
        while os.clock() < until_ do end
      end
      busy()
      print "done"
    ]] }
    assert.equal(0, result.status)
    assert.equal("done\n", result.out)
    assert.matches("has been running for 1 s without waiting", result.err)
    assert.matches("in local 'busy'", result.err)
    local _, reports = result.err:gsub("has been running", "")
    assert.is_true(reports <= runtime.now() - began) -- once a second
  end)

  it("is not reported when it waits now and then", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local until_ = os.clock() + 1.25
      while os.clock() < until_ do
        local pause = os.clock() + 0.05
        while os.clock() < pause do end
        runtime.sleep(0)
      end
    ]] }
    assert.same({ status = 0, out = "", err = "" }, result)
  end)

  for signal, status in pairs { INT = 130, TERM = 143 } do
    it("is interrupted by SIG" .. signal .. ", and its variables are closed", function()
      local child <close> = process.start { "-e", [[
        local _ <close> = setmetatable({}, { __close = function() print "closed" end })
        print "ready"
        io.stdout:flush()
        while true do end
      ]] }
      child:expect "ready"
      child:kill(signal)
      local result = child:wait()
      assert.equal(status, result.status)
      assert.equal("ready\nclosed\n", result.out)
      assert.matches("interrupted", result.err)
    end)
  end
end)

-- io.read at a terminal went on until a second Ctrl-C came.
describe("a script that waits in a function of C", function()
  (interruptible and it or pending)("is interrupted by the first signal", function()
    local folder <close> = temp.folder()
    local fifo = folder:file "fifo"
    assert(os.execute("mkfifo " .. temp.quote(fifo)))
    for _, line in ipairs { "file:read()", "pcall(file.read, file)", "for _ in file:lines() do end" } do
      for signal, status in pairs { INT = 130, TERM = 143 } do
        local child <close> = process.start { "-e", ([[
          local file <close> = assert(io.open(%q, "r+"))
          local _ <close> = setmetatable({}, { __close = function() print "closed" end })
          local began = os.clock()
          while os.clock() - began < 0.5 do end -- one that waited just now is left to wait again
          print "ready"
          io.stdout:flush()
          while true do %s end
        ]]):format(fifo, line) }
        child:expect "ready"
        child:kill(signal)
        local result = child:wait()
        assert.equal(status, result.status)
        assert.equal("ready\nclosed\n", result.out)
        assert.matches("[Ii]nterrupted", result.err)
      end
    end
  end)
end)

describe("signals", function()
  (interruptible and it or pending)("that the script handles do not interrupt it, unless it says so", function()
    local code = [[
      local runtime = require "filo.core.runtime"
      runtime.on_signal("TERM", function() print "handled" end, %s)
      runtime.on_signal("CHLD", function() end)
      os.execute("kill -TERM $PPID")
      local until_ = runtime.now() + 0.7
      print(pcall(function() while runtime.now() < until_ do end end))
      runtime.sleep(0)
      runtime.sleep(0)
    ]]
    assert.equal("true\nhandled\n", process.run({ "-e", code:format "false" }).out)
    assert.matches("^false\t.*interrupted\nhandled\n$", process.run({ "-e", code:format "true" }).out)
  end)

  it("call the script's function as a task of its own", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local main = runtime.current()
      local before = runtime.on_signal("USR1", function()
        runtime.sleep(0)
        print "came"
        runtime.wake(main)
      end)
      print(before)
      os.execute("kill -USR1 $PPID")
      print(runtime.suspend(60))
      print(type(runtime.on_signal("USR1", nil)))
    ]] }
    assert.same({ status = 0, out = "nil\ncame\ntrue\nfunction\n", err = "" }, result)
  end)

  it("are looked at between two tasks", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local order = {}
      runtime.on_signal("USR1", function() order[#order + 1] = "signal" end)
      for i = 1, 4 do
        runtime.spawn(function()
          if i == 2 then os.execute "kill -USR1 $PPID" end
          order[#order + 1] = i
          runtime.sleep(0)
          order[#order + 1] = i
        end)
      end
      runtime.sleep(0)
      runtime.sleep(0)
      runtime.sleep(0)
      print(table.concat(order, " "))
    ]] }
    assert.equal("1 2 3 4 signal 1 2 3 4\n", result.out)
  end)

  it("to end may be handled instead", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local main = runtime.current()
      runtime.on_signal("TERM", function() print "not now" runtime.wake(main) end)
      os.execute("kill -TERM $PPID")
      print(runtime.suspend(60))
    ]] }
    assert.same({ status = 0, out = "not now\ntrue\n", err = "" }, result)
  end)

  it("have names", function()
    assert.error_matches(function() runtime.on_signal("KILL", nothing) end, "a signal: ")
    assert.error_matches(function() runtime.on_signal("INT", 1) end, "function expected")
  end)
end)

describe("the runtime", function()
  it("tells the time and its memory", function()
    local before = runtime.now()
    assert.equal("float", math.type(before))
    assert.is_true(runtime.now() >= before)
    assert.is_true(math.abs(runtime.time() // 1000000 - os.time()) <= 1)
    assert.is_true(runtime.memory() > 100000)
    assert.matches("filo$", runtime.program())
    assert.equal("boolean", type(runtime.is_terminal(0)))
  end)
end)

-- The report of a script that computes for too long, when its traceback was longer than a kilobyte, left a mark on the function that
-- was interrupted: what its caller got beside its results was not nil but what lay there before.

local SCRIPT = [[
  local function compute(until_then, garbage)
    local x = 0
    while os.clock() < until_then do
      for i = 1, 30000000 do x = x + i end -- no calls: it is this function that is interrupted
    end
    return x
  end
  local function a_function_whose_name_makes_a_traceback_long(depth)
    if depth > 0 then return (a_function_whose_name_makes_a_traceback_long(depth - 1)) end
    local x, nothing = compute(os.clock() + 1.5, "garbage")
    return nothing
  end
  print(a_function_whose_name_makes_a_traceback_long(30))
]]

describe("the report of a long computation", function()
  it("changes nothing of what the script does", function()
    local result = process.run { "-e", SCRIPT }
    assert.equal("nil\n", result.out)
    assert.equal(0, result.status)
    if interruptible then assert.matches("has been running for 1 s", result.err) end
  end)
end)
