---task:limit of less than a tenth of a second was no limit at all.

local filo = require "filo"
local interruptible = require "spec.support.interruptible"

describe("a short limit", function()
  (interruptible and it or pending)("holds", function()
    local task = filo.spawn(function()
      local deadline = os.clock() + 20
      while os.clock() < deadline do end
    end):observe():limit(0.01)
    local ok, err = pcall(task.join, task)
    assert.is_false(ok)
    assert.matches("too long", tostring(err))
  end)
end)
