-- Two stores at once mixed their bytes on the way to a peer, and left wrong copies without an error.

local filo = require "filo"
local nodes = require "spec.support.nodes"

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
