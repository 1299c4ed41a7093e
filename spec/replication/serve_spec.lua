-- Getting more large objects at once from one peer than it serves failed: the peer said that it was busy, and was given up. And a
-- peer that asked for many at once was given more than the limit, each refused one leaving a file open.

local descriptors = require "spec.support.descriptors"
local filo = require "filo"
local in_use = require "spec.support.in_use"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

local BIG = (2 << 20) + 5

local function times_open(path)
  local count = 0
  for _ in pairs(descriptors(path)) do count = count + 1 end
  return count
end

describe("an owner", function()
  it("takes no object of its own from others: an old version, or a deletion, that it had forgotten", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    local path = a:path_of(a:key_hash "key")
    local _, old, body = inside.of(b).disk:sealed(inside.of(a).namespace, path, 1000)
    assert(a:store("key", "new"))
    nodes.drop(a, "key")
    for _, each in ipairs { { "store", { record = old, body = body } }, { "offer", { record = old } } } do
      assert.matches("this node writes that namespace itself", refused("denied", inside.of(b:peers()[1]):request(table.unpack(each))))
    end
    refused("not_found", inside.of(a).disk:stat(inside.of(a).namespace, path))
    assert.equal("new", nodes.content(a, "key"))
  end)
end)

describe("many large objects at once", function()
  ---Counts the answers of a node to requests of a topic that are refused as "busy".
  local function count_busy(node, topic)
    local usual, count = inside.of(node).peer_list.requests.handlers[topic], 0
    inside.of(node).peer_list:handle(topic, function(...)
      local answer, err = usual(...)
      if err and err.code == "busy" then count = count + 1 end
      return answer, err
    end)
    return function() return count end
  end

  it("are got and stored in turn", simulated(function(net, host)
    local a, b = net:cluster(2)
    local offers, reads = count_busy(b, "offer"), count_busy(b, "read")
    local tasks, count = {}, 3 * host.limits.reads_of_peer
    for i = 1, count do tasks[i] = function() return assert(a:store("key " .. i, nodes.bytes(40005, i))) end end
    for _, receipt in ipairs(filo.all(tasks)) do assert.equal(2, #receipt.copies) end
    for i = 1, count do
      assert(a:evict("key " .. i))
      tasks[i] = function() return assert(nodes.content(a, "key " .. i)) == nodes.bytes(40005, i) end
    end
    for _, same in ipairs(filo.all(tasks)) do assert.is_true(same) end
    assert.same({ 0, 0 }, { offers(), reads() })
  end))

  it("are refused to a peer that does not wait its turn, and nothing stays open for them", function()
    local _ <close> = limits { reads_of_peer = 2 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local version = assert(a:store("key", nodes.bytes(BIG))).version
    local stranger <close> = strangers.meet(a)
    local sent = {}
    for i = 1, 20 do
      sent[i] = stranger:request("read", {
        namespace = inside.of(a).namespace, key_hash = a:key_hash "key", version = version, hashes = false, first = 0, count = 1,
      })
    end
    local served = 0
    for i = 1, 20 do
      local answer, err = stranger:reply(sent[i])
      if answer then served = served + 1 else assert.equal("busy", err.code) end
    end
    assert.equal(2, served)
    assert.equal(2, times_open(nodes.place(a, a, "key")))
  end)

  it("of a version that is not here leave nothing open either", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local version = assert(a:store("key", nodes.bytes(BIG))).version
    local stranger <close> = strangers.meet(a)
    for i = 1, 20 do
      assert.equal("not_found", (stranger:refusal("read", {
        namespace = inside.of(a).namespace, key_hash = a:key_hash "key", version = version + i, hashes = false, first = 0, count = 1,
      })))
    end
    assert.equal(0, times_open(nodes.place(a, a, "key")))
  end)
end)

-- A disk that could not say how much is free had the policy be asked with nothing, and an error, for numbers of bytes.
describe("a node whose disk does not say how much is free", function()
  it("takes no copy, and does not ask its policy", function()
    local net <close> = nodes.net()
    local asked = 0
    local a, b = net:cluster(2, nil, { b = { policy = { name = "a test", accept = in_use.accept(function()
      asked = asked + 1
      return true
    end) } } })
    local parts = inside.of(b)
    local function space() return nil, filo.error("io", "input/output error") end
    parts.serve.disk = setmetatable({ space = space }, { __index = parts.disk })
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal("it could not be kept", err.receipt.refused[1].reason:match "[^:]*$":match "^%s*(.*)$")
    assert.equal(0, asked)
  end)
end)
