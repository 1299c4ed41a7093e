local runtime = require "filo.core.runtime"
local support = require "spec.support.tasks"

local at_end, forever, turns = support.at_end, support.forever, support.turns

local CANNOT = "cannot wait here"

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

  it("that cannot be is an error at the script's line, not at Filo's own", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, err = pcall(table.sort, { 1, 2 }, function() require("filo").sleep(0) end)
    assert.is_false(ok)
    assert.equal(("spec/core/runtime/wait_spec.lua:%d: %s"):format(line, CANNOT), tostring(err):match "^(.-):? called through")
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
    local result, err = task:join(0)
    assert.is_nil(result)
    assert.equal("timeout", err.code)
    task:cancel()
    assert.is_false(pcall(task.join, task))
    assert.is_false(runtime.suspend(0))
  end)
end)
