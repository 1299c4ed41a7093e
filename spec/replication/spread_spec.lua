---Copies on their way to peers.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

-- Two stores at once mixed their bytes on the way to a peer, and left wrong copies without an error.

local SIZES = { 0, 1, 5000, 65536, 65537, 1 << 20, (1 << 20) + 1, 3000000 }

---Stores as many objects at once as there are sizes; some are given in pieces, so that all take turns.
local function store_all(node, round)
  local tasks = {}
  for i, size in ipairs(SIZES) do
    local key, content = ("%d of round %d"):format(i, round), nodes.bytes(size, i + 100 * round)
    tasks[i] = function()
      local at = 1
      return assert(node:store(key, i % 2 == 0 and content or function()
        filo.sleep(0)
        local piece = content:sub(at, at + 99999)
        at = at + #piece
        return piece ~= "" and piece or nil
      end))
    end
  end
  return filo.all(tasks)
end

---The file of an object, which is the same at every node.
local function sealed(owner, node, key)
  local file <close> = assert(io.open(nodes.place(owner, node, key), "rb"))
  return file:read "a"
end

describe("many stores at once", function()
  it("give right copies everywhere: from several nodes, to several peers, both ways", function()
    local net <close> = nodes.net()
    local list = { net:cluster(3) }
    for i = 2, 3 do list[i]:connect(list[5 - i].address) end
    for _, node in ipairs(list) do nodes.peers(node, 2) end
    local rounds = {}
    for i, node in ipairs(list) do
      rounds[#rounds + 1] = function() return store_all(node, 2 * i) end
      rounds[#rounds + 1] = function() return store_all(node, 2 * i + 1) end
    end
    filo.all(rounds)
    for i, owner in ipairs(list) do
      for round = 2 * i, 2 * i + 1 do
        for n, size in ipairs(SIZES) do
          local key = ("%d of round %d"):format(n, round)
          assert.is_true(owner:verify(key))
          for _, holder in ipairs(list) do assert.is_true(sealed(owner, owner, key) == sealed(owner, holder, key), key) end
          assert(owner:evict(key))
          assert.is_true(nodes.bytes(size, n + 100 * round) == nodes.content(owner, key), key)
        end
      end
    end
  end)
end)

-- A peer that agreed to take a copy and then took no bytes, or never said that it had published them, held a store up for an hour.

local BIG = 40005 -- 10 chunks of the simulated machines

describe("a peer that agrees to take a copy", function()
  ---Stores at a, which asks c first and b next; c takes the bytes as `fill` says, which is given how it does so usually.
  local function check(fill, pattern)
    return simulated(function(net)
      local late
      local a, b, c = net:cluster(3, {}, { a = { policy = { name = "a test", quorum = 2, place = function(_, peers)
        table.sort(peers, function(x) return x.id == late end)
        return peers, 1
      end } } })
      late = c.id
      local usual = inside.of(c).peer_list.requests.handlers.fill
      inside.of(c).peer_list:handle("fill", function(...) return fill(usual, ...) end)
      local receipt = assert(a:store("key", nodes.bytes(BIG)))
      assert.same({ a.id, b.id }, receipt.copies)
      assert.equal(c.id, receipt.refused[1].peer)
      assert.matches(pattern, receipt.refused[1].reason)
      assert.equal(2, #a:peers())
    end)
  end

  it("and takes no bytes is given up, and the next peer asked", check(function()
    filo.sleep(3600)
  end, "it takes no bytes"))

  it("and does not say that it has published is given up, and the next peer asked", check(function(usual, ...)
    assert(usual(...))
    filo.sleep(3600)
  end, "it took all bytes, but does not say"))

  it("and has it already, or nothing of it is missing, need not take bytes", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    local content = nodes.bytes((2 << 20) + 5)
    stranger:on("offer", function() return { body = {} } end)
    assert.equal(2, #assert(a:store("key", content)).copies)
    local filled
    stranger:on("offer", function() return { body = { want = 3, hashes = false } } end)
    stranger:on("fill", function(body)
      filled = body
      return { body = {} }
    end)
    assert.equal(2, #assert(a:store("key", content)).copies)
    assert.same({ 0, false, 3 }, { filled.stream, filled.hashes, filled.first })
  end)
end)

-- A peer that answered an offer with the very record it was offered, as if that were a newer one, made store and delete go round for ever.
describe("a peer that gives the record back", function()
  for _, size in ipairs { 10, 100000 } do
    it(("is refused, with %d bytes"):format(size), function()
      local net <close> = nodes.net()
      local a = net:start "a"
      local peer <close> = strangers.meet(a)
      peer:on("store", function(body) return { body = { record = body.record } } end)
      peer:on("offer", function(body) return { body = { record = body.record } } end)
      nodes.peers(a, 1)
      local receipt, err = a:store("key", nodes.bytes(size))
      assert.is_nil(receipt)
      assert.equal("not_enough_copies", err.code)
      assert.matches("not newer", err.receipt.refused[1].reason)
      local deleted = assert(a:delete "key")
      assert.matches("not newer", deleted.refused[1].reason)
    end)
  end
end)
