---The coroutine of a task that has ended is taken for one that starts. Nobody may tell.

local runtime = require "filo.core.runtime"
local turns = require("spec.support.tasks").turns

describe("a task that starts when another has ended", function()
  it("has a coroutine of its own, if a script knows the other's", function()
    local known
    runtime.spawn(function() known = coroutine.running() end):join()
    collectgarbage()
    local statuses = runtime.spawn(function()
      turns()
      assert.not_equal(known, (coroutine.running()))
      return { coroutine.status(known), coroutine.resume(known) }
    end):join()
    assert.same({ "dead", false, "cannot resume dead coroutine" }, statuses)
    assert.is_true(coroutine.close(known))
    collectgarbage()
    local other = runtime.spawn(runtime.suspend)
    turns()
    assert.equal("dead", coroutine.status(known))
    other:cancel()
  end)

  it("has none of its hooks", function()
    runtime.spawn(debug.sethook, function() end, "c"):join()
    assert.is_nil(runtime.spawn(debug.gethook):join())
  end)

  it("has the hook of who starts it, as any coroutine", function()
    runtime.spawn(function() end):join()
    local given = runtime.spawn(function()
      debug.sethook(function() end, "l")
      local task = runtime.spawn(function() return table.pack(debug.gethook()) end)
      debug.sethook()
      return task:join()
    end):join()
    assert.same({ nil, "l", 0, n = 3 }, given) -- it calls a function that is the other's alone
  end)

  it("leaves the results of the other", function()
    local tasks = {
      runtime.spawn(function() end), runtime.spawn(function() return nil end), runtime.spawn(function() return "one" end),
      runtime.spawn(function() return 1, nil, 3, nil end), runtime.spawn(error, nil):observe(), runtime.spawn(error, { 1 }):observe(),
    }
    turns()
    for _ = 1, 10 do runtime.spawn(function(...) return ... end, 7, 8, 9):join() end
    local given = {}
    for i, task in ipairs(tasks) do
      for _ = 1, 2 do given[i] = table.pack(pcall(task.join, task)) end
    end
    assert.same({
      { true, n = 1 }, { true, nil, n = 2 }, { true, "one", n = 2 }, { true, 1, nil, 3, nil, n = 5 }, { false, nil, n = 2 },
      { false, { 1 }, n = 2 },
    }, given)
  end)

  it("has no more room on its stack than there is", function()
    local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
    local many = table.pack(table.unpack({}, 1, 10000))
    for _ = 1, 3 do
      assert.equal(10000, runtime.spawn(deep, 10000):join())
      assert.equal(10000, runtime.spawn(select, "#", table.unpack(many, 1, many.n)):join())
      collectgarbage()
    end
  end)
end)
