local interruptible = require "spec.support.interruptible"
local runtime = require "filo.core.runtime"
local support = require "spec.support.tasks"

local at_end, forever, nothing, turns = support.at_end, support.forever, support.nothing, support.turns

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

  -- One that resumed or closed it from outside got at what lies on its stack: a crash.
  it("has a coroutine that nobody else resumes or closes", function()
    local co
    local function nobody(status, problem)
      assert.equal(status, coroutine.status(co))
      assert.same({ false, problem }, { coroutine.resume(co) })
    end
    local other = runtime.spawn(forever)
    local task = runtime.spawn(function()
      co = coroutine.running()
      return other:join()
    end)
    turns(2)
    nobody("normal", "cannot resume non-suspended coroutine")
    assert.error_matches(function() coroutine.close(co) end, "cannot close a normal coroutine")
    other:cancel()
    assert.is_false((pcall(task.join, task)))
    nobody("dead", "cannot resume dead coroutine")
    runtime.spawn(function()
      co = coroutine.running()
      return print
    end):join()
    nobody("dead", "cannot resume dead coroutine")
    collectgarbage()
    collectgarbage()
    nobody("dead", "cannot resume dead coroutine")
    assert.is_true(coroutine.close(co))
    assert.error_matches(function() coroutine.isyieldable(5) end, "coroutine expected")
  end)

  -- The second was told that another task waits for this already.
  it("is joined by any number of others, who all get what it returns or raises", function()
    for _, ends in ipairs { function() return "a", nil, "c" end, function() error("oops", 0) end } do
      local order, joiners = {}, {}
      local task = runtime.spawn(function()
        runtime.suspend()
        return ends()
      end)
      for i = 1, 5 do
        joiners[i] = runtime.spawn(function()
          local result = table.pack(pcall(task.join, task))
          order[#order + 1] = i
          return result
        end)
      end
      turns(2)
      joiners[2]:cancel() -- leaves the line, from its middle and from its end
      joiners[5]:cancel()
      local late = runtime.spawn(function() return task:join(0) end)
      assert.equal("timeout", select(2, late:join()).code)
      joiners[6] = runtime.spawn(function()
        order[#order + 1] = 6
        return table.pack(pcall(task.join, task))
      end)
      turns(2)
      runtime.wake(task)
      local expected = table.pack(pcall(ends))
      for _, i in ipairs { 1, 3, 4, 6 } do assert.same(expected, (joiners[i]:join())) end
      for _, i in ipairs { 2, 5 } do assert.equal("cancelled", joiners[i]:join()[2].code) end
      assert.same({ 2, 5, 6, 1, 3, 4 }, order)
    end
  end)

  -- Its coroutine could be told from the main chunk of `lua`, and what it yielded was lost without a word.
  it("is for `coroutine` what a script is in lua", function()
    local function look()
      local co, is_main = coroutine.running()
      return type(co), is_main, coroutine.isyieldable(), coroutine.isyieldable(co), pcall(coroutine.yield, "given")
    end
    local seen = table.pack(runtime.spawn(look):join())
    assert.same({ "thread", true, false, false, false }, table.move(seen, 1, 5, 1, {}))
    assert.matches("attempt to yield from outside a coroutine", seen[6])
    local co = coroutine.wrap(look)
    assert.equal("given", co())
    assert.same({ "thread", false, true, true, true }, { co() })
    local parent = coroutine.running()
    assert.is_false(coroutine.wrap(function() return coroutine.isyieldable(parent) end)())
  end)

  it("is refused without a function", function()
    assert.error_matches(function() runtime.spawn() end, "function expected")
    assert.error_matches(function() runtime.spawn(1) end, "function expected")
    assert.error_matches(function() runtime.spawn_detached {} end, "function expected")
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
        local due = runtime.now() + ms / 1000
        runtime.sleep(ms / 1000)
        order[#order + 1] = due
      end)
    end
    for _, task in ipairs(tasks) do task:join() end
    assert.is_true(#order == 3 and order[1] < order[2] and order[2] < order[3])
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

  it("is followed by another where the first was caught", function()
    local reasons = {}
    local task = runtime.spawn(function()
      for i = 1, 3 do reasons[i] = tostring(select(2, pcall(forever))) end
      forever()
    end)
    turns(2)
    for _, reason in ipairs { "one", "two", "three", "four" } do
      assert.equal("waiting", task:status())
      task:cancel(reason)
      turns(2)
    end
    assert.same({ "one", "two", "three" }, reasons)
    assert.equal("four", tostring(select(2, pcall(task.join, task))))
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

describe("a limit to computing", function()
  local function compute() while true do end end; -- luacheck: ignore

  (interruptible and it or pending)("stops a task, and those that it starts, with an error; what waits is let be", function()
    local results = {}
    local parent = runtime.spawn(function()
      runtime.sleep(0)
      runtime.sleep(0.5) -- waiting is no computing
      local child = runtime.spawn(compute):observe()
      results.child = table.pack(pcall(child.join, child))
      results.own = table.pack(pcall(compute))
      return "goes on"
    end)
    assert.equal(parent, parent:limit(0.3))
    assert.equal("goes on", parent:join())
    for _, result in pairs(results) do
      assert.is_false(result[1])
      assert.matches("task_spec.lua:%d+: stopped: it computed for too long without waiting", tostring(result[2]))
    end
  end)

  it("is a number of seconds", function()
    local task = runtime.spawn(function() end)
    for _, wrong in ipairs { 0, -1, 3601, "soon" } do
      assert.is_false((pcall(task.limit, task, wrong)))
    end
  end)
end)
