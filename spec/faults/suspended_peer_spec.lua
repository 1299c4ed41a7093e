---A peer whose process is stopped, or whose line was cut, answers nothing: a put of a few bytes waited half a minute for it.

local inside = require "filo.base.inside"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

describe("a peer that is suspended", function()
  it("is not waited for longer than it takes to see that it shows no sign of life", simulated(function(net, host)
    local a, _, c = net:cluster(3)
    net:cut("a", "b")
    local began = host.now()
    local sentence = refused("not_enough_copies", a:store("key", "content"))
    assert.matches("did not answer", sentence)
    assert.is_true(host.now() - began < 3 * host.limits.rival)
    assert.is_truthy(inside.of(c).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")))
  end))

  it("is told from one that takes its time", simulated(function(net, host)
    local a, b = net:cluster(2)
    local store = inside.of(b).peer_list.requests.handlers.store
    inside.of(b).peer_list:handle("store", function(...)
      host.sleep(host.limits.request - 1)
      return store(...)
    end)
    assert.equal(2, #assert(a:store("key", "content")).copies)
  end))
end)
