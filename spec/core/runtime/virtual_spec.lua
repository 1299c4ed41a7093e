---Virtual time: the same tasks on a clock that jumps.

local raises = require "spec.support.raises"
local runtime = require "filo.core.runtime"

local YEAR = 365 * 24 * 3600

local function virtually(fn) return runtime.virtual(fn):join() end

describe("virtual time", function()
  it("begins at 0 and takes no time", function()
    local seen = table.pack(virtually(function()
      local began = runtime.now()
      runtime.sleep(100 * YEAR)
      return began, runtime.now()
    end))
    assert.same({ 0.0, 100.0 * YEAR, n = 2 }, seen)
  end)

  it("stands still while a task can run", function()
    assert.equal(0.0, virtually(function()
      local me, count = runtime.current(), 0
      local other = runtime.spawn(function()
        while count < 1000 do
          count = count + 1
          runtime.wake(me)
          runtime.suspend()
        end
      end)
      while count < 1000 do
        runtime.suspend(YEAR)
        runtime.wake(other)
      end
      return runtime.now()
    end))
  end)

  it("is that of the tasks it starts, and of no other", function()
    local before, inner = runtime.now(), nil
    virtually(function()
      runtime.spawn_detached(function() inner = runtime.now() end)
      runtime.sleep(YEAR)
    end)
    assert.equal(0.0, inner)
    assert.is_true(runtime.now() - before < 3600)
  end)

  it("takes deadlines in their order, and those of one time as they were set", function()
    local order = {}
    virtually(function()
      for i, seconds in ipairs { 3, 1, 2, 1, 3, 2 } do
        runtime.spawn(function()
          runtime.sleep(seconds)
          order[#order + 1] = i
        end)
      end
      runtime.sleep(4)
    end)
    assert.same({ 2, 4, 3, 6, 1, 5 }, order)
  end)

  it("keeps many deadlines in order, whichever are dropped meanwhile", function()
    local last, woken, late = 0, 0, 0
    virtually(function()
      local tasks = {}
      for i = 1, 2000 do
        tasks[i] = runtime.spawn(function()
          if runtime.suspend(1 + i * 7919 % 2003) then woken = woken + 1 end
          if runtime.now() < last then late = late + 1 end
          last = runtime.now()
        end)
      end
      runtime.sleep(1)
      for i = 1, 2000, 3 do runtime.wake(tasks[i]) end
      runtime.sleep(3000)
    end)
    assert.same({ 667, 0 }, { woken, late })
  end)

  it("calls functions at their time, with their arguments, outside of any task", function()
    local seen = {}
    virtually(function()
      local function call(...) seen[#seen + 1] = table.pack(runtime.now(), runtime.current() == nil, ...) end
      runtime.later(2, call, "a", false, nil, 3, nil)
      runtime.sleep(3)
    end)
    assert.same({ { 2.0, true, "a", false, nil, 3, nil, n = 7 } }, seen)
  end)

  it("takes as many arguments for a call as there is room for, and refuses more", function()
    local seen
    virtually(function()
      runtime.later(1, function(...) seen = select("#", ...) end, table.unpack({}, 1, 0))
      runtime.later(1, function(...) seen = select("#", ...) end, string.byte(("x"):rep(199), 1, -1))
      raises("too many arguments", function() runtime.later(1, print, string.byte(("x"):rep(1000), 1, -1)) end)
      runtime.sleep(2)
    end)
    assert.equal(199, seen)
  end)

  it("has no calls to be made later where time is real", function()
    raises("only where time is virtual", function() runtime.later(1, print) end)
  end)

  it("goes on side by side in several worlds", function()
    local a = runtime.virtual(function()
      for _ = 1, 100 do runtime.sleep(1) end
      return runtime.now()
    end)
    local b = runtime.virtual(function()
      for _ = 1, 10 do runtime.sleep(1) end
      return runtime.now()
    end)
    assert.same({ 100.0, 10.0 }, { (a:join()), (b:join()) })
  end)

  it("cancels at its end what it has left behind, which may still wait for a minute", function()
    local left, waited
    virtually(function()
      runtime.spawn_detached(function()
        local _ <close> = setmetatable({}, { __close = function()
          left = runtime.now()
          runtime.sleep(50)
          waited = runtime.now()
        end })
        runtime.sleep(YEAR)
      end)
      runtime.sleep(5)
    end)
    while not waited do runtime.sleep(0) end
    assert.same({ 5.0, 55.0 }, { left, waited })
  end)

  it("lets real time go on meanwhile", function()
    local world = runtime.virtual(function()
      while true do runtime.sleep(1) end
    end):observe()
    runtime.sleep(0.01)
    world:cancel()
    assert.is_false(pcall(world.join, world))
  end)
end)

describe("with virtual time", function()
  local it_in_real_time = it
  local env = setmetatable({
    it = function(name, fn)
      it_in_real_time(name, function() virtually(fn) end)
    end,
  }, { __index = _ENV })
  assert(loadfile("spec/core/runtime/task_spec.lua", "t", env))()
end)
