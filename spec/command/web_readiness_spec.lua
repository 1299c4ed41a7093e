---Whether a node can be asked for what it has.

local filo = require "filo"
local inside = require "filo.base.inside"
local readiness = require "filo.command.web.readiness"

---A node whose catalogue is in these states, one after the other, each time somebody looks.
local function node_with(...)
  local states, at = { ... }, 0
  return inside.keep({}, { catalogue = { state = function()
    at = math.min(at + 1, #states)
    return states[at], 7
  end } })
end

describe("readiness", function()
  it("is told with the reason", function()
    assert.is_nil(readiness.problem(node_with "ready"))
    assert.equal("the catalogue is being made, 7 objects so far", readiness.problem(node_with "rebuilding"))
    assert.matches("^the catalogue cannot be used", readiness.problem(node_with "failed"))
  end)

  it("is waited for, as long as it may come", function()
    assert.is_nil(readiness.wait(node_with("opening", "opening", "rebuilding", "rebuilding", "ready"), 60))
    assert.matches("being made", readiness.wait(node_with "rebuilding", 0.01))
    local began = filo.now()
    assert.matches("cannot be used", readiness.wait(node_with "failed", 60))
    assert.is_true(filo.now() - began < 30)
  end)
end)
