local filo = require "filo"
local interruptible = require "spec.support.interruptible"
local raises = require "spec.support.raises"

-- filo.race {} and a channel without room waited for ever; other wrong arguments raised errors in the middle of Filo.

local function here(text) return "^spec/host/task_spec.lua:%d+: " .. text end

describe("a wrong argument to a function for tasks", function()
  it("is an error at the caller's line", function()
    local channel = filo.channel()
    local function nothing() end
    for _, case in ipairs {
      { function() filo.race {} end, "race: a list of functions expected, with one at least" },
      { function() filo.race() end, "race: a list of functions expected" },
      { function() filo.race { nothing, "x" } end, "race: a list of functions expected" },
      { function() filo.all() end, "all: a list of functions expected" },
      { function() filo.all { nothing, 5 } end, "all: a list of functions expected" },
      { function() filo.spawn(5) end, "spawn: a function expected" },
      { function() filo.timeout("x", nothing) end, "timeout: a number of seconds expected" },
      { function() filo.timeout(1, 5) end, "timeout: a function expected" },
      { function() filo.sleep "x" end, "sleep: a number of seconds expected" },
      { function() filo.sleep(-1) end, "sleep: seconds must be 0 or more" },
      { function() filo.channel(0) end, "channel: an integer from 1 to 1000000 expected" },
      { function() filo.channel(-1) end, "channel: an integer from 1 to 1000000 expected" },
      { function() filo.channel "x" end, "channel: an integer from 1 to 1000000 expected" },
      { function() filo.every("x", nothing) end, "every: a number of seconds expected" },
      { function() filo.every(0, nothing) end, "every: seconds must be more than 0" },
      { function() filo.every(1, 5) end, "every: a function expected" },
      { function() filo.condition():wait "x" end, "wait: a number of seconds expected" },
      { function() filo.condition():wait_for(5) end, "wait_for: a function expected" },
      { function() filo.condition().notify() end, "notify: a condition expected: is there a dot in place of the colon%?" },
      { function() channel:send(1, "x") end, "send: a number of seconds expected" },
      { function() channel:send(nil) end, "a channel cannot carry nil" },
      { function() channel:receive "x" end, "receive: a number of seconds expected" },
    } do raises(here(case[2]), case[1]) end
    assert.same({}, filo.all {})
  end)
end)

-- task:limit of less than a tenth of a second was no limit at all.
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
