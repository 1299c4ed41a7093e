-- A task that was woken for a value and then cancelled, or out of time, left the channel without waking the next in line.

local filo = require "filo"

---Two tasks that wait in line for the same.
local function two(fn)
  local first, second = filo.spawn(fn):observe(), filo.spawn(fn):observe()
  filo.sleep(0)
  return first, second
end

describe("a channel whose first in line was woken and is cancelled", function()
  it("wakes the next receiver", function()
    local channel = filo.channel(1)
    local first, second = two(function() return channel:receive() end)
    channel:send "value"
    first:cancel()
    assert.equal("value", (second:join(5)))
    assert.is_false((pcall(first.join, first)))
  end)

  it("wakes the next sender", function()
    local channel = filo.channel(1)
    channel:send "held"
    local first, second = two(function() return channel:send "more" end)
    assert.equal("held", channel:receive())
    first:cancel()
    assert.is_true((second:join(5)))
    assert.equal("more", channel:receive(0))
    assert.is_nil(channel:receive(0))
  end)
end)

describe("a channel whose first in line was woken after its deadline", function()
  local function let_pass(seconds)
    local deadline = filo.now() + seconds
    repeat until filo.now() > deadline
  end

  it("serves both, one after the other", function()
    local channel = filo.channel(1)
    local first, second = two(function() return channel:receive(0.02) end)
    let_pass(0.04)
    channel:send "value"
    assert.equal("value", first:join(5) or second:join(5))
    assert.is_nil(channel:receive(0))
  end)
end)
