---What is under way over a connection when another one to the same node takes over from it.

local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

-- When two nodes dialled each other, one connection was closed for the other, and what was being asked or sent over it failed: a store gave
-- not_enough_copies, a get not_found, a deletion was told half a minute later.

local SMALL, BIG = 400, 1000005 -- the second takes about a second on the simulated lines

---Two nodes, connected by the one whose connection gives way as soon as the other dials, too; and what dials.
local function meet(net)
  local stays, gives_way = net:start "a", net:start "b"
  local name_of = { [stays] = "a", [gives_way] = "b" }
  if stays.id > gives_way.id then stays, gives_way = gives_way, stays end
  assert(gives_way:connect(net:machine(name_of[stays]).address))
  nodes.peers(stays, 1)
  local before = stays:peers()[1]
  return stays, gives_way, function()
    assert(stays:connect(net:machine(name_of[gives_way]).address))
    assert.not_equal(before, stays:peers()[1])
  end
end

---The same test with each of the two nodes as the one that asks. fn(one, other, during): `during(act, ...)` gives what act(...) does, while
---the connection is taken over.
local function both_ways(fn)
  for _, way in ipairs { "of the node that dials", "of the node that is dialled" } do
    it(way, simulated(function(net, host)
      local one, other, take_over = meet(net)
      if way == "of the node that is dialled" then one, other = other, one end
      fn(one, other, function(act, ...)
        local task = host.spawn_child(act, ...)
        host.sleep(0.3)
        assert.equal("waiting", task:status())
        take_over()
        return task:join()
      end, host, net)
    end))
  end
end

---From now on a node answers requests of a topic after half a second. Gives what counts them.
local function delay(host, node, topic)
  local usual, count = inside.of(node).peer_list.requests.handlers[topic], 0
  inside.of(node).peer_list:handle(topic, function(...)
    count = count + 1
    host.sleep(0.5)
    return usual(...)
  end)
  return function() return count end
end

describe("when another connection takes over, a store", function()
  both_ways(function(one, other, during, _, net)
    assert.same({ one.id, other.id }, assert(during(one.store, one, "key", nodes.bytes(BIG))).copies)
    assert.equal(0, net:logged "could not be kept")
  end)
end)

describe("when another connection takes over, a store of little", function()
  both_ways(function(one, other, during, host)
    delay(host, other, "store")
    assert.same({ one.id, other.id }, assert(during(one.store, one, "key", nodes.bytes(SMALL))).copies)
  end)
end)

describe("when another connection takes over, a get that has begun", function()
  both_ways(function(one, _, during)
    local content = nodes.bytes(BIG)
    assert(one:store("key", content))
    assert(one:evict "key")
    assert.is_true(content == during(nodes.content, one, "key"))
  end)
end)

describe("when another connection takes over, the search of a get", function()
  both_ways(function(one, other, during, host)
    assert(one:store("key", nodes.bytes(SMALL)))
    assert(one:evict "key")
    delay(host, other, "find")
    assert.is_true(nodes.bytes(SMALL) == during(nodes.content, one, "key"))
  end)
end)

describe("when another connection takes over, a delete", function()
  both_ways(function(one, other, during, host)
    assert(one:store("key", nodes.bytes(SMALL)))
    delay(host, other, "store")
    assert.same({ one.id, other.id }, assert(during(one.delete, one, "key")).copies)
  end)
end)

describe("when another connection takes over, the word of a bad copy", function()
  both_ways(function(one, other, during, host)
    assert(one:store("key", nodes.bytes(BIG)))
    local count = delay(host, other, "check")
    local fields = inside.of(one).disk:stat(inside.of(one).namespace, one:path_of(one:key_hash "key"))
    during(function()
      inside.of(one).find:bad_copy(inside.of(one:peers()[1]), fields, { code = "corrupt", message = "for a test" })
      host.sleep(0.5)
    end)
    host.sleep(5)
    assert.equal(2, count())
  end)
end)

-- A script that had kept a peer could not ask the node any more, though it was connected.
describe("when another connection took over, a peer of before", function()
  both_ways(function(one, other, during, host)
    other:handle("sum", function() return 5 end)
    local peer = one:peers()[1]
    during(host.sleep, 0.5)
    assert.equal(5, one:request(peer, "sum"))
  end)
end)

-- What a script asked and was not answered failed as "exists", as if there were nothing to try again.
describe("when another connection takes over, a request of a script", function()
  both_ways(function(one, other, during, host)
    other:handle("sum", function()
      host.sleep(0.5)
      return 5
    end)
    local answer, err = during(one.request, one, other.id, "sum")
    assert.is_nil(answer)
    assert.same({ "closed", true }, { err.code, err.retryable })
    assert.equal(5, one:request(other.id, "sum"))
  end)
end)
