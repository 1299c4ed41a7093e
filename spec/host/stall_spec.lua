local new_stall_watch = require "filo.host.stall"
local virtual = require "spec.support.virtual"

---Something that moves so many bytes each second, until it has moved all, and ends so long after that.
local function moving(host, speed, total, rest)
  local bytes = 0
  local task = host.spawn_child(function()
    while bytes < total do
      host.sleep(1)
      bytes = math.min(bytes + speed, total)
    end
    host.sleep(rest)
    return "done"
  end)
  local function join(seconds)
    local result = task:join(seconds)
    return result ~= nil, result
  end
  return new_stall_watch(host, function() return bytes end), join
end

describe("a stall watch", function()
  it("waits as long as enough moves, and then until it ends", virtual(function(host)
    local watch, join = moving(host, 20000, 1000000, 1000)
    assert.same({ true, "done" }, { watch:wait(1000000, 15, nil, join) })
    assert.equal(1050, host.now())
  end))

  it("gives up when next to nothing moves", virtual(function(host)
    local watch, join = moving(host, 1000, 1000000, 0)
    assert.same({ false, false }, { watch:wait(1000000, 15, nil, join) })
    assert.equal(15, host.now())
  end))

  it("asks for little when little is left", virtual(function(host)
    local watch, join = moving(host, 100, 1000, 0)
    assert.same({ true, "done" }, { watch:wait(1000, 15, 5, join) })
  end))

  it("gives up when all has moved and it does not end", virtual(function(host)
    local watch, join = moving(host, 100000, 100000, 1000)
    assert.same({ false, true }, { watch:wait(100000, 15, 300, join) })
  end))

  it("starts its time anew whenever enough has moved", virtual(function(host)
    local bytes = 0
    local watch = new_stall_watch(host, function() return bytes end)
    host.sleep(4)
    assert.equal(5, watch:deadline(5))
    bytes = host.limits.least_bytes
    assert.equal(9, watch:deadline(5))
    bytes = bytes + 1
    host.sleep(5)
    assert.is_true(watch:stalled(5))
  end))
end)
