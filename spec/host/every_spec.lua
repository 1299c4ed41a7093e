local filo = require "filo"

describe("filo.every", function()
  it("calls a function again and again, after the seconds and never twice at once", function()
    local began, calls, running, most = filo.now(), filo.channel(100), 0, 0
    local task = filo.every(0.01, function(...)
      running = running + 1
      most = math.max(most, running)
      filo.sleep(0.015) -- longer than the time between two calls
      running = running - 1
      calls:send { filo.now() - began, ... }
    end, "a", nil, "c")
    for i = 1, 3 do
      local call = calls:receive(60)
      assert.is_true(call[1] >= i * 0.02)
      assert.same({ "a", nil, "c" }, { table.unpack(call, 2, 4) })
    end
    assert.equal(1, most)
    task:cancel()
    assert.is_false((pcall(task.join, task)))
  end)

  it("ends with an error, and with the task that started it", function()
    local task = filo.every(0.001, function() error("oops", 0) end):observe()
    assert.same({ false, "oops" }, { pcall(task.join, task) })
    local inner
    filo.spawn(function() inner = filo.every(0.001, function() end):observe() end):join()
    assert.equal("cancelled", select(2, pcall(inner.join, inner)).code)
  end)
end)
