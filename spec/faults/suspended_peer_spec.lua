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
    assert.is_true(host.now() - began < host.limits.generations + 2 * host.limits.pulse + 0.5) -- it has just come
    assert.is_truthy(inside.of(c).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")))
  end))

  it("is waited for once, and asked again when it speaks", simulated(function(net, host)
    local a, b = net:cluster(2)
    assert(a:store("here", "content"))
    net:cut("a", "b")
    refused("not_enough_copies", a:store("key", "content"))
    local began = host.now()
    refused("not_enough_copies", a:store("another", "content"))
    refused("timeout", a:request(b.id, "topic"))
    assert.same({ 1, "content" }, { #assert(a:delete "here").refused, assert(a:get("key", { newest = true })):read "a" })
    assert.is_true(host.now() - began < host.limits.pulse / 3)
    net:mend("a", "b")
    host.sleep(host.limits.ping)
    assert.equal(2, #assert(a:store("third", "content")).copies)
  end))

  it("holds up what is here hardly at all, which says that it was not heard", simulated(function(net, host)
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    net:cut("a", "b")
    local began = host.now()
    local object <close> = assert(a:get("key", { newest = true }))
    assert.same({ "content", { b.id } }, { object:read "a", object.unheard })
    local took = host.now() - began
    assert.is_true(took < host.limits.pulse)
    local again <close> = assert(a:get("key", { newest = true }))
    assert.same({ "content", { b.id } }, { again:read "a", again.unheard })
    assert.is_true(host.now() - began < took + host.limits.sign / 2)
    refused("unreachable", a:get("key", { quorum = 2 }))
  end))

  it("is told from one that takes its time, though something is here", simulated(function(net, host)
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    local find = inside.of(b).peer_list.requests.handlers.find
    inside.of(b).peer_list:handle("find", function(...)
      host.sleep(host.limits.find - 1)
      return find(...)
    end)
    local object <close> = assert(a:get("key", { newest = true }))
    assert.same({ "old", 0 }, { object:read "a", #object.unheard })
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
