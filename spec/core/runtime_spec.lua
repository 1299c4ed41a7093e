local process = require "spec.support.process"
local runtime = require "filo.core.runtime"

---Calls fn at the end of the scope.
local function at_end(fn) return setmetatable({}, { __close = fn }) end

---Lets other tasks have some turns.
local function turns(n)
  for _ = 1, n or 1 do runtime.sleep(0) end
end

local function nothing() end

---Sleeps until it is cancelled.
local function forever() runtime.suspend() end

local CANNOT = "cannot wait here"

---ThreadSanitizer holds signals back while nothing calls into the system, as a computing script does not.
local interruptible = not runtime.program():find "/thread/"

describe("a task", function()
  it("gets its arguments and gives its results", function()
    local task = runtime.spawn(function(...)
      runtime.sleep(0)
      return select("#", ...), ...
    end, 1, nil, "three", nil)
    assert.same({ 4, 1, nil, "three", nil, n = 5 }, table.pack(task:join()))
    assert.same({ 4, 1, nil, "three", nil, n = 5 }, table.pack(task:join()), "again")
  end)

  it("starts after the one that spawned it waits", function()
    local order = {}
    local task = runtime.spawn(function() order[#order + 1] = "child" end)
    order[#order + 1] = "parent"
    task:join()
    assert.same({ "parent", "child" }, order)
  end)

  it("gives any number of results", function()
    for _, count in ipairs { 0, 1, 10, 100, 1000, 100000 } do
      local task = runtime.spawn(function() return table.unpack({}, 1, count) end)
      assert.equal(count, select("#", task:join()))
    end
  end)

  it("raises its error in join, whatever it is", function()
    for _, problem in ipairs { "text", 42, true, { code = "x" }, nothing } do
      local task = runtime.spawn(function() error(problem, 0) end):observe()
      local ok, err = pcall(task.join, task)
      assert.is_false(ok)
      assert.equal(problem, err)
    end
    local task = runtime.spawn(function() error() end):observe()
    assert.same({ false, nil, n = 2 }, table.pack(pcall(task.join, task)))
  end)

  it("tells its status", function()
    local task
    local seen
    task = runtime.spawn(function()
      seen = task:status()
      forever()
    end)
    assert.equal("ready", task:status())
    turns(2)
    assert.equal("running", seen)
    assert.equal("waiting", task:status())
    task:cancel()
    assert.is_false(pcall(task.join, task))
    assert.equal("ended", task:status())
  end)

  it("knows itself", function()
    local task, seen
    task = runtime.spawn(function() seen = runtime.current() end)
    task:join()
    assert.equal(task, seen)
    assert.not_equal(task, runtime.current())
  end)

  it("cannot join itself", function()
    local me = runtime.current()
    assert.error_matches(function() me:join() end, "cannot join itself")
  end)

  it("is joined by one other at a time", function()
    local task = runtime.spawn(forever)
    local first = runtime.spawn(function() return pcall(task.join, task) end)
    turns(2)
    assert.error_matches(function() task:join() end, "another task waits for this")
    task:cancel()
    local ok, err = first:join()
    assert.is_false(ok)
    assert.equal("cancelled", err.code)
  end)

  it("may yield to the others by coroutine.yield", function()
    local order = {}
    local function body(name)
      for i = 1, 3 do
        order[#order + 1] = name .. i
        assert.equal(0, select("#", coroutine.yield("ignored")))
      end
    end
    local a, b = runtime.spawn(body, "a"), runtime.spawn(body, "b")
    a:join()
    b:join()
    assert.same({ "a1", "b1", "a2", "b2", "a3", "b3" }, order)
  end)

  it("is refused without a function", function()
    assert.error_matches(function() runtime.spawn() end, "function expected")
    assert.error_matches(function() runtime.spawn(1) end, "function expected")
    assert.error_matches(function() runtime.spawn_detached {} end, "function expected")
  end)
end)

describe("a wait", function()
  it("goes through pcall and xpcall", function()
    assert.same({ true, 1, 2 }, { pcall(function()
      turns()
      return 1, 2
    end) })
    local ok, err = pcall(function()
      turns()
      error("boom", 0)
    end)
    assert.is_false(ok)
    assert.equal("boom", err)
    assert.equal("handled boom", select(2, xpcall(function()
      turns()
      error("boom", 0)
    end, function(problem) return "handled " .. problem end)))
  end)

  it("goes through metamethods, iterators and to-be-closed variables", function()
    local function waiting(result)
      return function()
        turns()
        return result
      end
    end
    local object = setmetatable({}, {
      __index = waiting "index", __call = waiting "call", __add = waiting "add", __concat = waiting "concat",
      __eq = waiting(true), __lt = waiting(true), __le = waiting(false), __len = waiting(7), __unm = waiting "unm",
      __newindex = waiting(),
    })
    object.field = 1
    assert.same(
      { "index", "call", "add", "concat", true, true, false, 7, "unm" },
      {
        object.field, object(), object + 1, object .. "", object == setmetatable({}, getmetatable(object)), object < 1,
        object <= 1, #object, -object,
      }
    )
    local sum = 0
    for i in function(_, last)
      turns()
      return last < 5 and last + 1 or nil
    end, nil, 0 do sum = sum + i end
    assert.equal(15, sum)
    local closed
    do
      local _ <close> = at_end(function()
        turns()
        closed = true
      end)
    end
    assert.is_true(closed)
  end)

  it("goes through a script's own coroutines, wrapped or resumed", function()
    local function body(a)
      turns()
      local b = coroutine.yield(a + 1)
      turns()
      local c, d = coroutine.yield(b * 2)
      turns()
      return c .. d
    end
    local wrapped = coroutine.wrap(body)
    assert.equal(2, wrapped(1))
    assert.equal(42, wrapped(21))
    assert.equal("xy", wrapped("x", "y"))
    local co = coroutine.create(body)
    assert.same({ true, 2 }, { coroutine.resume(co, 1) })
    assert.same({ true, 42 }, { coroutine.resume(co, 21) })
    assert.same({ true, "xy" }, { coroutine.resume(co, "x", "y") })
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
  end)

  it("goes through coroutines within coroutines", function()
    local function nest(depth)
      if depth == 0 then
        turns(2)
        return "bottom"
      end
      return coroutine.wrap(function()
        turns()
        local inner = nest(depth - 1)
        turns()
        return inner
      end)()
    end
    assert.equal("bottom", nest(30))
  end)

  it("leaves a coroutine's errors as Lua has them", function()
    local function failing()
      turns()
      error("boom", 0)
    end
    assert.same({ false, "boom" }, { coroutine.resume(coroutine.create(failing)) })
    assert.error_matches(coroutine.wrap(failing), "boom")
    local object = {}
    assert.equal(object, select(2, pcall(coroutine.wrap(function() error(object) end))))
    local co = coroutine.create(failing)
    coroutine.resume(co)
    assert.equal("dead", coroutine.status(co))
    assert.same({ false, "boom" }, { coroutine.close(co) })
    assert.same({ true }, { coroutine.close(coroutine.create(failing)) })
  end)

  it("leaves its coroutine busy for the others", function()
    local co = coroutine.create(function()
      runtime.suspend()
      return "end"
    end)
    local task = runtime.spawn(function() return coroutine.resume(co) end)
    turns(2)
    assert.equal("normal", coroutine.status(co))
    assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(co) })
    assert.error_matches(function() coroutine.close(co) end, "cannot close a normal coroutine")
    assert.is_true(runtime.wake(task))
    assert.same({ true, "end" }, { task:join() })
    assert.equal("dead", coroutine.status(co))
  end)

  it("in a closing wrapped coroutine still waits", function()
    local steps = {}
    local generator = coroutine.wrap(function()
      local _ <close> = at_end(function()
        turns()
        steps[#steps + 1] = "closed"
      end)
      turns()
      error("boom", 0)
    end)
    assert.error_matches(generator, "boom")
    assert.same({ "closed" }, steps)
  end)

  it("says clearly where it cannot be", function()
    local function refused(fn, ...)
      local ok, message = pcall(fn, ...)
      assert.is_false(ok)
      assert.matches(CANNOT, tostring(message), 1, true)
    end
    local function wait() runtime.sleep(0) end
    refused(table.sort, { 3, 2, 1 }, wait)
    refused(string.gsub, "abc", ".", wait)
    assert.matches(CANNOT, select(3, pcall(load, wait)), 1, true)
    assert.matches(CANNOT, select(2, xpcall(error, function() return select(2, pcall(wait)) end)), 1, true)
    refused(table.sort, { 3, 2, 1 }, function() coroutine.wrap(wait)() end)
    refused(table.sort, { 3, 2, 1 }, function() assert(coroutine.resume(coroutine.create(wait))) end)
    refused(table.sort, { 3, 2, 1 }, function() runtime.suspend() end)

    local said
    setmetatable({}, { __gc = function() said = select(2, pcall(wait)) end })
    collectgarbage()
    collectgarbage()
    assert.matches(CANNOT, said)

    local co = coroutine.create(function()
      local _ <close> = at_end(function() said = select(2, pcall(wait)) end)
      coroutine.yield()
    end)
    coroutine.resume(co)
    said = nil
    assert.is_true(coroutine.close(co))
    assert.matches(CANNOT, said)
  end)

  it("works again after it was refused", function()
    local task = runtime.spawn(forever)
    pcall(table.sort, { 3, 2, 1 }, function() coroutine.wrap(task.join)(task) end)
    turns()
    assert.same({ nil, "timeout" }, (function()
      local result, err = task:join(0)
      return { result, err.code }
    end)() and { nil, select(2, task:join(0)).code })
    task:cancel()
    assert.is_false(pcall(task.join, task))
    assert.is_false(runtime.suspend(0))
  end)
end)

describe("a deadline", function()
  it("ends suspend with false, a wake with true", function()
    assert.is_false(runtime.suspend(0))
    assert.is_false(runtime.suspend(0.001))
    local me = runtime.current()
    runtime.spawn(function() assert.is_true(runtime.wake(me)) end)
    assert.is_true(runtime.suspend())
    runtime.spawn(function() runtime.wake(me) end)
    assert.is_true(runtime.suspend(3600))
  end)

  it("that has passed does not end a later wait", function()
    local me = runtime.current()
    runtime.spawn(function() runtime.wake(me) end)
    assert.is_true(runtime.suspend(0.002))
    runtime.spawn(function()
      runtime.sleep(0.01)
      runtime.wake(me)
    end)
    assert.is_true(runtime.suspend())
  end)

  it("ends join with an error value", function()
    local task = runtime.spawn(forever)
    local result, err = task:join(0.001)
    assert.is_nil(result)
    assert.equal("timeout", err.code)
    assert.matches("not ended in time", tostring(err))
    task:cancel()
    assert.is_false(pcall(task.join, task))
  end)

  it("may be far away, and is never in the past", function()
    for _, seconds in ipairs { 3600, 1e9, 1e300, math.huge } do
      local task = runtime.spawn(runtime.sleep, seconds)
      turns(2)
      assert.equal("waiting", task:status())
      task:cancel()
      assert.is_false(pcall(task.join, task))
    end
    assert.error_matches(function() runtime.sleep(-1) end, "0 or more")
    assert.error_matches(function() runtime.sleep(0 / 0) end, "0 or more")
  end)

  it("keeps the order of the clock", function()
    local order = {}
    local tasks = {}
    for _, ms in ipairs { 9, 3, 6 } do
      tasks[#tasks + 1] = runtime.spawn(function()
        runtime.sleep(ms / 1000)
        order[#order + 1] = ms
      end)
    end
    for _, task in ipairs(tasks) do task:join() end
    assert.same({ 3, 6, 9 }, order)
  end)
end)

describe("wake", function()
  it("does nothing to a task that waits for something else, runs, or has ended", function()
    local sleeper = runtime.spawn(runtime.sleep, 3600)
    local ended = runtime.spawn(nothing)
    ended:join()
    turns(2)
    assert.is_false(runtime.wake(sleeper))
    assert.is_false(runtime.wake(ended))
    assert.is_false(runtime.wake(runtime.current()))
    assert.equal("waiting", sleeper:status())
    sleeper:cancel()
  end)

  it("counts once", function()
    local woken = 0
    local task = runtime.spawn(function()
      runtime.suspend()
      woken = woken + 1
      runtime.suspend()
      woken = woken + 1
    end)
    turns(2)
    assert.is_true(runtime.wake(task))
    assert.is_false(runtime.wake(task))
    turns(2)
    assert.equal(1, woken)
    assert.is_true(runtime.wake(task))
    task:join()
    assert.equal(2, woken)
  end)
end)

describe("cancelling", function()
  it("raises an error in the wait, with the reason", function()
    local task = runtime.spawn(forever)
    turns()
    task:cancel "no longer needed"
    local ok, err = pcall(task.join, task)
    assert.is_false(ok)
    assert.equal("cancelled", err.code)
    assert.equal("no longer needed", tostring(err))
  end)

  it("closes variables from the innermost on, each of which may wait", function()
    local steps = {}
    local function step(name)
      return at_end(function()
        turns(2)
        steps[#steps + 1] = name
      end)
    end
    local task = runtime.spawn(function()
      local _ <close> = step "outer"
      coroutine.wrap(function()
        local _ <close> = step "coroutine"
        pcall(function()
          local _ <close> = step "inner"
          forever()
        end)
        forever()
      end)()
    end)
    turns(2)
    task:cancel()
    turns(10)
    assert.same({ "inner" }, steps)
    task:cancel()
    assert.is_false(pcall(task.join, task))
    assert.same({ "inner", "coroutine", "outer" }, steps)
  end)

  it("is delivered once", function()
    local task = runtime.spawn(function()
      local ok, err = pcall(forever)
      assert(not ok and err.code == "cancelled")
      runtime.sleep(0)
      return "went on"
    end)
    turns(2)
    task:cancel()
    task:cancel()
    assert.equal("went on", task:join())
  end)

  it("comes at the next wait of a task that runs, and at the first of one that is new", function()
    local task
    local reached
    task = runtime.spawn(function()
      task:cancel()
      reached = true
      runtime.sleep(3600)
      reached = false
    end)
    task:observe()
    turns(3)
    assert.is_true(reached)
    assert.equal("ended", task:status())

    local started
    task = runtime.spawn(function()
      started = true
      runtime.sleep(3600)
    end)
    task:cancel()
    assert.is_false(pcall(task.join, task))
    assert.is_true(started)
  end)

  it("wins over a wake and a deadline of the same turn", function()
    local task = runtime.spawn(function() return pcall(runtime.suspend, 3600) end)
    turns(2)
    runtime.wake(task)
    task:cancel()
    local ok, err = task:join()
    assert.is_false(ok)
    assert.equal("cancelled", err.code)
  end)

  it("reaches a task that joins another, and leaves the other joinable", function()
    local other = runtime.spawn(function()
      runtime.suspend()
      return "result"
    end)
    local joining = runtime.spawn(function() return other:join() end)
    turns(2)
    joining:cancel()
    assert.is_false(pcall(joining.join, joining))
    runtime.wake(other)
    assert.equal("result", other:join())
  end)

  it("does nothing to a task that has ended", function()
    local task = runtime.spawn(function() return 1 end)
    task:join()
    task:cancel()
    assert.equal(1, task:join())
  end)

  it("reaches the children of a task that ends, but not detached ones", function()
    local child, grandchild, detached
    local steps = {}
    local parent = runtime.spawn(function()
      child = runtime.spawn(function()
        local _ <close> = at_end(function()
          turns()
          steps[#steps + 1] = "child"
        end)
        grandchild = runtime.spawn(function()
          local _ <close> = at_end(function() steps[#steps + 1] = "grandchild" end)
          forever()
        end)
        forever()
      end)
      detached = runtime.spawn_detached(forever)
      turns(2)
    end)
    parent:join()
    local ok, err = pcall(child.join, child)
    assert.is_false(ok)
    assert.equal("cancelled", err.code)
    assert.matches("the task that started this one has ended", tostring(err))
    assert.is_false(pcall(grandchild.join, grandchild))
    assert.same({ "child", "grandchild" }, steps)
    assert.equal("waiting", detached:status())
    detached:cancel()
  end)

  it("reaches the children of a task that fails", function()
    local child
    local parent = runtime.spawn(function()
      child = runtime.spawn(forever)
      error "boom"
    end):observe()
    assert.is_false(pcall(parent.join, parent))
    assert.is_false(pcall(child.join, child))
  end)
end)

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
    local result = process.run { "-e", [[
      local function busy()
        local until_ = os.clock() + 1.6
        while os.clock() < until_ do end
      end
      busy()
      print "done"
    ]] }
    assert.equal(0, result.status)
    assert.equal("done\n", result.out)
    assert.matches("has been computing for 1 s without waiting", result.err)
    assert.matches("in local 'busy'", result.err)
    local _, reports = result.err:gsub("has been computing", "")
    assert.equal(1, reports)
  end)

  it("is not reported when it waits now and then", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      local until_ = os.clock() + 1.6
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

  it("and catches every error is ended by asking again", function()
    local child <close> = process.start { "-e", [[
      print "ready"
      io.stdout:flush()
      while true do pcall(function() while true do end end) end
    ]] }
    child:expect "ready"
    while not child:has_ended() do
      child:kill "INT"
      runtime.sleep(0.1)
    end
    assert.equal(2, child:wait().signal)
  end)
end)

describe("signals", function()
  (interruptible and it or pending)("that the script handles do not interrupt it, unless it says so", function()
    local code = [[
      local runtime = require "filo.core.runtime"
      runtime.on_signal("TERM", function() print "handled" end, %s)
      runtime.on_signal("CHLD", function() end)
      os.execute("kill -TERM $PPID")
      local until_ = os.clock() + 0.7
      print(pcall(function() while os.clock() < until_ do end end))
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
