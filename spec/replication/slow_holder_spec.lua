---A holder that is far slower than another held a get up: what it had been given to send was nobody else's, and the first 16 chunks were
---always its own when it was asked for the list of hashes.

local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

local BIG = 400005 -- 98 chunks of the simulated machines

---Calls fn(a, host) where b and c hold "key"; `name` has a line that is 1000 times slower than the other's: 1 KiB a second.
local function with_slow(name, fn)
  return simulated(function(net, host)
    local a = net:cluster(3)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    assert(a:evict "key")
    net:machine(name).slow = 1000
    fn(a, content, host, net)
  end)
end

describe("a get from a slow holder and a fast one", function()
  for _, name in ipairs { "b", "c" } do
    it("takes no longer than the fast one needs, whichever is asked first: " .. name, with_slow(name, function(a, content, host)
      local began = host.now()
      assert.is_true(content == nodes.content(a, "key"))
      assert.is_true(host.now() - began < 10)
    end))
  end

  it("uses the slow one when the fast one has gone", with_slow("b", function(a, content, host, net)
    local object <close> = assert(a:get "key")
    local first = object:read(10)
    host.sleep(0.05)
    net:machine("c"):crash(false)
    net:machine("b").slow = 10
    assert.is_true(content == first .. object:read "a")
  end))

  it("does not give the slow one up", with_slow("c", function(a, content, host, net)
    assert.is_true(content == nodes.content(a, "key"))
    host.sleep(60)
    assert.equal(0, net:logged "given up")
  end))
end)
