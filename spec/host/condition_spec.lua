local filo = require "filo"

describe("filo.condition", function()
  it("lets all who wait go on, and those who wait for something when that is so", function()
    local condition, count, order = filo.condition(), 0, {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = filo.spawn(function()
        local given = condition:wait_for(function() return count >= i and i end)
        order[#order + 1] = given
      end)
    end
    tasks[4] = filo.spawn(function()
      assert.is_true(condition:wait())
      order[#order + 1] = "any"
    end)
    filo.sleep(0)
    condition:notify()
    tasks[4]:join()
    assert.same({ "any" }, order)
    for i = 3, 1, -1 do
      count = 4 - i
      condition:notify()
      tasks[4 - i]:join()
    end
    assert.same({ "any", 1, 2, 3 }, order)
    assert.equal("there", condition:wait_for(function() return "there" end))
  end)

  it("is waited for until a deadline, or a cancellation", function()
    local condition = filo.condition()
    assert.is_false(condition:wait(0))
    assert.is_nil(condition:wait_for(function() return nil end, 0))
    local task = filo.spawn(function() condition:wait() end):observe()
    filo.sleep(0)
    task:cancel()
    assert.equal("cancelled", select(2, pcall(task.join, task)).code)
    condition:notify()
  end)

  it("holds nothing but its calls", function() assert.is_nil(next(filo.condition())) end)
end)
