-- What a script gives in the wrong way is told at its line: "attempt to index a number value" came from within Filo, and NaN was a
-- deadline.

local filo = require "filo"

local function raises(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err))
end

describe("a channel", function()
  it("is asked for where a dot stands in place of the colon", function()
    local channel = filo.channel()
    for _, name in ipairs { "send", "receive", "close" } do
      local message = "a channel expected: is there a dot in place of the colon, as in channel:%s%%?$"
      raises(("^spec/host/arguments_spec.lua:%%d+: %s: "):format(name) .. message:format(name), function() channel[name](5) end)
    end
  end)
end)

describe("NaN", function()
  it("is no number of seconds", function()
    local nan, task = 0 / 0, filo.spawn(filo.sleep, 1000)
    local channel, condition = filo.channel(), filo.condition()
    local listener = assert(filo.listen "127.0.0.1:0")
    local near = assert(filo.dial(listener:address()))
    for name, call in pairs {
      sleep = function() filo.sleep(nan) end, timeout = function() filo.timeout(nan, print) end,
      every = function() filo.every(nan, print) end, send = function() channel:send(1, nan) end,
      receive = function() channel:receive(nan) end, wait = function() condition:wait(nan) end,
      wait_for = function() condition:wait_for(print, nan) end, join = function() task:join(nan) end,
      limit = function() task:limit(nan) end, dial = function() filo.dial(listener:address(), nan) end,
      read = function() near:read("l", nan) end, run = function() filo.run { "true", seconds = nan } end,
    } do raises("seconds", call, name) end
    task:cancel()
    near:close()
    listener:close()
  end)
end)

describe("what scripts wait for", function()
  it("says what it is when it is printed", function()
    local channel, condition = filo.channel(3), filo.condition()
    channel:send "value"
    assert.equal("channel with 1 of 3 values", tostring(channel))
    channel:close()
    assert.equal("channel with 1 of 3 values, closed", tostring(channel))
    local task = filo.spawn(condition.wait, condition)
    filo.sleep(0)
    assert.equal("condition, for which 1 task waits", tostring(condition))
    condition:notify()
    task:join()
    local process <close> = assert(filo.start { "cat" })
    assert.equal(("process %d, cat"):format(process.pid), tostring(process))
  end)
end)
