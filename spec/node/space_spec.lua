local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

describe("node:space", function()
  it("tells what a policy is told", simulated(function(net)
    local told
    local a, b = net:cluster(2, nil, { b = { reserve = 1 << 20, policy = { name = "a test", accept = function(_, _, usage)
      told = usage
      return true
    end } } })
    assert(a:store("key", nodes.bytes(100000)))
    local before = told
    assert(a:store("key", nodes.bytes(100)))
    assert.same({ before.total, true }, { told.total, told.free < before.free })
    local free = told.free
    assert(a:delete "key")
    local space = b:space()
    assert.same({ free = space.free, total = before.total }, space)
    assert.is_true(space.free > free and space.free <= space.total - (1 << 20))
  end))

  it("leaves out the reserve", function()
    local net <close> = nodes.net()
    local a = net:start("a", { reserve = 0 })
    local total = assert(a:space()).total
    assert.is_true(a:space().free > 0)
    assert.same({ free = 0, total = total }, net:restart("a", { reserve = total }):space())
  end)

  it("says that the disk does not tell", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local disk = inside.of(a).disk
    inside.of(a).disk = setmetatable({ space = function() return nil, filo.error("io", "input/output error") end }, { __index = disk })
    refused("io", a:space())
    inside.of(a).disk = disk
  end)
end)
