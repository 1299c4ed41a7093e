-- A deadline below 0, such as the rest of a time that was over, was taken for none: the wait never ended.

local filo = require "filo"
local runtime = require "filo.core.runtime"

local PATIENCE = 10

---What fn returned; fails when it waits for ever.
local function at_once(fn)
  local run = filo.spawn(fn)
  local watch = filo.spawn(function()
    filo.sleep(PATIENCE)
    run:cancel "it waits for ever"
  end)
  local first, second = run:join()
  watch:cancel()
  return first, second
end

for _, seconds in ipairs { -1, -0.001, -math.huge } do
  describe(("%g seconds"):format(seconds), function()
    it("are over at once", function()
      local never = filo.spawn(runtime.suspend)
      local joined, err = at_once(function() return never:join(seconds) end)
      assert.is_nil(joined)
      assert.equal("timeout", err.code)
      never:cancel()

      local ended
      ended, err = at_once(function() return filo.timeout(seconds, runtime.suspend) end)
      assert.is_nil(ended)
      assert.equal("timeout", err.code)

      assert.is_false(at_once(function() return runtime.suspend(seconds) end))

      local received
      received, err = at_once(function() return filo.channel():receive(seconds) end)
      assert.is_nil(received)
      assert.equal("timeout", err.code)
    end)
  end)
end

describe("infinite seconds", function()
  it("are no deadline", function()
    local me = runtime.current()
    filo.spawn(function() runtime.wake(me) end)
    assert.is_true(runtime.suspend(math.huge))
  end)
end)
