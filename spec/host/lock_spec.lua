-- A lock woke all who waited for it, of whom one went on and the others lined up again, behind who had come meanwhile; who was cancelled
-- while he waited stayed listed, and was woken from what he waited for next.

local new_locks = require "filo.host.lock"
local virtual = require "spec.support.virtual"

---Tasks that take the lock, note their number, and hold it for a second.
local function take(host, locks, count, taken)
  local tasks = {}
  for i = 1, count do
    tasks[i] = host.spawn_child(function()
      local _ <close> = locks:take "key"
      taken[#taken + 1] = i
      host.sleep(1)
    end):observe()
  end
  return tasks
end

describe("a lock", function()
  it("is one task's at a time, in the order in which they came", virtual(function(host)
    local locks, taken = new_locks(host), {}
    local tasks = take(host, locks, 3, taken)
    host.sleep(0.5)
    assert.same({ 1 }, taken)
    host.sleep(1)
    assert.same({ 1, 2 }, taken)
    take(host, locks, 1, taken)
    for _, task in ipairs(tasks) do task:join() end
    host.sleep(1)
    assert.same({ 1, 2, 3, 1 }, taken)
  end))

  it("wakes one who waits, not all", virtual(function(host)
    local woken = 0
    local counting = setmetatable({ wake = function(task)
      woken = woken + 1
      return host.wake(task)
    end }, { __index = host })
    local taken = {}
    local tasks = take(host, new_locks(counting), 5, taken)
    tasks[5]:join()
    assert.same({ 1, 2, 3, 4, 5 }, taken)
    assert.equal(4, woken)
  end))

  it("is for each key its own, and leaves nothing behind", virtual(function(host)
    local locks = new_locks(host)
    do
      local _ <close> = locks:take "a"
      local _ <close> = locks:take "b"
    end
    assert.is_nil(next(locks.lines))
  end))

  it("is passed on by who was cancelled, while he waited or when his turn had just come", virtual(function(host)
    for _, cancelled in ipairs { "waiting", "woken" } do
      local locks, taken = new_locks(host), {}
      local tasks = take(host, locks, 3, taken)
      host.sleep(0.5)
      if cancelled == "waiting" then
        tasks[2]:cancel()
      else
        tasks[1]:cancel() -- its turn ends as it unwinds, and the second is woken
        host.spawn_child(function() tasks[2]:cancel() end)
      end
      tasks[3]:join()
      assert.equal(3, taken[#taken])
      assert.is_nil(next(locks.lines))
    end
  end))

  it("wakes nobody who has left the line", virtual(function(host)
    local locks = new_locks(host)
    local slept
    local waiting = host.spawn_child(function()
      pcall(locks.take, locks, "key")
      slept = host.suspend(10) -- a wait for something else
    end)
    do
      local _ <close> = locks:take "key"
      host.sleep(1)
      waiting:cancel()
      host.sleep(1)
    end
    waiting:join()
    assert.is_false(slept)
  end))
end)
