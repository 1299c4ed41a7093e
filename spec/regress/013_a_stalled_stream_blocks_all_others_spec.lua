-- A peer that stopped reading, or sending, in the middle of a stream stopped every other peer.

local filo = require "filo"
local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local LARGE = 20 << 20
local DEADLINE = 20 -- less than a stalled stream is given

---The node, another one connected to it that works, and a stranger.
local function start(net)
  local options = { tls = false, policy = { quorum = 1 } }
  local a = net:start("a", options)
  local b = net:start("b", { tls = false, bootstrap = { a.address }, policy = { quorum = 2 } })
  nodes.peers(b, 1)
  return a, b, strangers.meet(a, { tls = false })
end

---b stores at a and gets back from it.
local function check_others(a, b)
  assert(filo.timeout(DEADLINE, function()
    for i, size in ipairs { 10, LARGE } do
      local key, content = "key " .. i, nodes.bytes(size, i)
      assert(b:store(key, content))
      assert(b:evict(key))
      assert.is_true(content == nodes.content(b, key))
    end
    return true
  end))
  assert.equal(2, #a:peers())
end

describe("while a peer", function()
  it("takes no bytes of what it reads, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    local forged = forge(stranger.identity, { content = nodes.bytes(3 << 20) })
    assert.same({}, (stranger:deliver(forged, stranger:offer(forged))))
    for _ = 1, 8 do -- and gives no credit
      assert(stranger:ask("read", {
        namespace = forged.namespace, key_hash = forged.key_hash, version = forged.version, hashes = true, first = 0, count = 3,
      }).stream)
    end
    check_others(a, b)
  end)

  it("stops in the middle of what it sends, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    local forged = forge(stranger.identity, { content = nodes.bytes(3 << 20) })
    assert(stranger:offer(forged))
    assert(stranger.line:write_stream(1, forged.hashes .. forged.content:sub(1, 1500000)))
    check_others(a, b)
  end)

  it("stops in the middle of a frame, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    stranger.line:write(wire.message(("x"):rep(1000)):sub(1, 100))
    check_others(a, b)
  end)

  it("asks and asks and reads no answer, others are served", function()
    local net <close> = nodes.net()
    local a, b, stranger = start(net)
    local _ <close> = stranger
    local forged = forge(stranger.identity, { content = nodes.bytes(60000) })
    assert(stranger:ask("store", { record = forged.record, body = forged.hashes .. forged.content }))
    for _ = 1, 300 do stranger:request("find", { namespace = forged.namespace, key_hash = forged.key_hash }) end
    check_others(a, b)
  end)
end)
