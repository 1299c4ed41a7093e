-- A peer that agreed to take a copy and then took no bytes, or never said that it had published them, held a store up for an hour.

local crypto = require "filo.core.crypto"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local store = require "filo.core.store"
local strangers = require "spec.support.stranger"
local temp = require "spec.support.temp"

local BIG = (2 << 20) + 5

describe("a peer that agrees to take a copy", function()
  ---Stores at a, which asks the stranger first and b next.
  local function check(answers, pattern)
    local _ <close> = limits { send_stall = 0.2, publish = 0.2 }
    local net <close> = nodes.net()
    local stranger
    local a, b = net:cluster(2, {}, { a = { policy = { quorum = 2, place = function(_, peers)
      table.sort(peers, function(x) return x.id == stranger.id end)
      return peers, 1
    end } } })
    stranger = strangers.meet(a)
    local _ <close> = stranger
    nodes.peers(a, 2)
    for topic, answer in pairs(answers) do stranger:on(topic, answer) end
    local receipt = assert(a:store("key", nodes.bytes(BIG)))
    assert.same({ a.id, b.id }, receipt.copies)
    assert.equal(stranger.id, receipt.refused[1].peer)
    assert.matches(pattern, receipt.refused[1].reason)
    assert.equal(2, #a:peers())
  end

  it("and takes no bytes is given up, and the next peer asked", function()
    check({ offer = function() return { body = { want = 0, hashes = true } } end, fill = function() end }, "it takes no bytes")
  end)

  it("and does not say that it has published is given up, and the next peer asked", function()
    local folder <close> = temp.folder()
    local me <close> = crypto.identity_generate()
    local disk <close> = assert(store.open(folder:file "root", me:raw_id(), "none", 0))
    local partial, transfer
    check({
      offer = function(body)
        partial = assert(disk:incoming("a/b/c", body.record))
        return { body = { want = 0, hashes = true } }
      end,
      fill = function(body, stranger)
        transfer = assert(stranger.line:receive_object(body.stream, partial, true, 0))
        assert(transfer:join())
      end,
    }, "it took all bytes, but does not say")
    assert.equal(3, partial:missing(0))
    transfer:close()
    partial:close()
  end)

  it("and has it already, or nothing of it is missing, need not take bytes", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    stranger:on("offer", function() return { body = {} } end)
    assert.equal(2, #assert(a:store("key", nodes.bytes(BIG))).copies)
    local filled
    stranger:on("offer", function() return { body = { want = 3, hashes = false } } end)
    stranger:on("fill", function(body)
      filled = body
      return { body = {} }
    end)
    assert.equal(2, #assert(a:store("key", nodes.bytes(BIG))).copies)
    assert.same({ 0, false, 3 }, { filled.stream, filled.hashes, filled.first })
  end)
end)
