local new_progress = require "filo.host.progress"
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
  return new_progress(host, function() return bytes end), join
end

describe("progress", function()
  it("is waited for as long as enough moves, and then until it ends", virtual(function(host)
    local progress, join = moving(host, 20000, 1000000, 1000)
    assert.same({ true, "done" }, { progress:wait(1000000, 15, nil, join) })
    assert.equal(1050, host.now())
  end))

  it("is given up when next to nothing moves", virtual(function(host)
    local progress, join = moving(host, 1000, 1000000, 0)
    assert.same({ false, false }, { progress:wait(1000000, 15, nil, join) })
    assert.equal(15, host.now())
  end))

  it("need not be great when little is left", virtual(function(host)
    local progress, join = moving(host, 100, 1000, 0)
    assert.same({ true, "done" }, { progress:wait(1000, 15, 5, join) })
  end))

  it("is given up when all has moved and it does not end", virtual(function(host)
    local progress, join = moving(host, 100000, 100000, 1000)
    assert.same({ false, true }, { progress:wait(100000, 15, 300, join) })
  end))

  it("starts its time anew whenever enough has moved", virtual(function(host)
    local bytes = 0
    local progress = new_progress(host, function() return bytes end)
    host.sleep(4)
    assert.equal(5, progress:deadline(5))
    bytes = host.limits.least_bytes
    assert.equal(9, progress:deadline(5))
    bytes = bytes + 1
    host.sleep(5)
    assert.is_true(progress:stalled(5))
  end))
end)
