local at_end = require("spec.support.tasks").at_end
local runtime = require "filo.core.runtime"
local turns = require("spec.support.tasks").turns

---Tasks that wait in a line, and write down who they are and what the wait gave.
local function wait_in(line, count, seconds)
  local tasks, went_on = {}, {}
  for i = 1, count do
    tasks[i] = runtime.spawn(function()
      local woken = line:wait(seconds)
      went_on[#went_on + 1] = { i, woken }
    end):observe()
  end
  turns()
  return tasks, went_on
end

describe("a line", function()
  it("is woken one by one, in the order in which they came", function()
    local line = runtime.line()
    local _, went_on = wait_in(line, 3)
    assert.equal(3, #line)
    assert.is_true(line:wake())
    assert.equal(2, #line)
    turns()
    assert.same({ { 1, true } }, went_on)
    assert.is_true(line:wake())
    assert.is_true(line:wake())
    assert.is_false(line:wake())
    turns()
    assert.same({ { 1, true }, { 2, true }, { 3, true } }, went_on)
  end)

  it("is woken as a whole, but for who comes later", function()
    local line = runtime.line()
    local _, before = wait_in(line, 3)
    line:wake_all()
    local later, after = wait_in(line, 1)
    assert.same({ { 1, true }, { 2, true }, { 3, true } }, before)
    assert.same({}, after)
    assert.equal(1, #line)
    later[1]:cancel()
  end)

  it("is left by who is too late, and by who is cancelled, wherever he stands", function()
    local line = runtime.line()
    local _, late = wait_in(line, 1, 0.001)
    local tasks, went_on = wait_in(line, 5)
    for _, i in ipairs { 3, 1, 5 } do tasks[i]:cancel() end
    repeat turns() until #late > 0
    assert.same({ { 1, false } }, late)
    assert.equal(2, #line)
    while line:wake() do end
    turns()
    assert.same({ { 2, true }, { 4, true } }, went_on)
  end)

  it("is not held up by who was woken alone and cancelled before he went on", function()
    local line = runtime.line()
    local tasks, went_on = wait_in(line, 3)
    line:wake()
    tasks[1]:cancel()
    turns(2)
    assert.same({ { 2, true } }, went_on)
    tasks[3]:cancel()
  end)

  it("has nobody woken in the place of who was woken with all", function()
    local line = runtime.line()
    local tasks = wait_in(line, 2)
    line:wake_all()
    tasks[1]:cancel()
    local others, went_on = wait_in(line, 1)
    turns(2)
    assert.same({}, went_on)
    others[1]:cancel()
  end)

  it("has nobody who could not wait there", function()
    local line = runtime.line()
    assert.is_false(pcall(table.sort, { 2, 1 }, function() line:wait() end))
    assert.equal(0, #line)
    local ended = false
    local closing = runtime.spawn(function()
      local _ <close> = at_end(function()
        line:wait()
        ended = true
      end)
    end)
    turns()
    assert.equal(1, #line)
    line:wake()
    closing:join()
    assert.is_true(ended)
  end)
end)
