local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"
local virtual = require "spec.support.virtual"

describe("a gate", function()
  it("lets through all who wait, in the order in which they came, and who comes later waits again", virtual(function(host)
    local gate, through = new_gate(host), {}
    for i = 1, 3 do
      host.spawn_child(function()
        gate:wait()
        through[#through + 1] = i
      end)
    end
    host.sleep(1)
    assert.same({}, through)
    gate:wake()
    host.sleep(0)
    assert.same({ 1, 2, 3 }, through)
    assert.is_false(gate:wait(1))
  end))

  it("lets everybody through once it is open", virtual(function(host)
    local gate = new_gate(host)
    local waiting = host.spawn_child(function() return gate:wait() end)
    host.sleep(1)
    gate:open()
    assert.is_true(waiting:join())
    assert.is_true(gate:wait())
  end))

  it("waits for a condition, and no longer than it may", virtual(function(host)
    local gate, count = new_gate(host), 0
    host.spawn_child(function()
      for i = 1, 3 do
        host.sleep(1)
        count = i
        gate:wake()
      end
    end)
    assert.equal(2, gate:wait_for(function() return count == 2 and count end))
    assert.equal(2, host.now())
    assert.is_false(gate:wait_for(function() return count == 4 end, 5))
    assert.equal(7, host.now())
    assert.is_true(gate:wait_for(function() return true end, 0))
  end))

  it("keeps nobody in its line who was cancelled, or has waited long enough", virtual(function(host)
    local gate = new_gate(host)
    local waiting = host.spawn_child(gate.wait, gate):observe()
    host.sleep(0)
    assert.equal(1, #gate.line)
    waiting:cancel()
    local ok, err = pcall(waiting.join, waiting)
    assert.is_false(ok)
    assert.is_true(errors.is_cancelled(err))
    gate:wait(1)
    assert.equal(0, #gate.line)
  end))
end)
