-- delete removed the first folder of an object's path, and with it every object whose path started alike.

local nodes = require "spec.support.nodes"

local KEYS = { "a", "b", "c", "a/b", "a/b/c", "", "z" }
KEYS[6] = ("k"):rep(300)

---All objects lie in folders that others use too.
local function crowded(hash) return ("same/%s/%s"):format(tonumber(hash:sub(1, 2), 16) % 2, hash) end

---The file of an object of the owner's at a node: the same bytes everywhere.
local function sealed(owner, node, key)
  local file <close> = assert(io.open(nodes.place(owner, node, key), "rb"))
  return file:read "a"
end

describe("deleting", function()
  for _, case in ipairs { { "default paths" }, { "crowded folders", crowded }, { "one digit wide", { width = 1, depth = 1 } } } do
    it("takes that object only, here and at peers: " .. case[1], function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2, { path = case[2] or nodes.NONE })
      for _, key in ipairs(KEYS) do
        assert(a:store(key, "a's " .. key))
        assert(b:store(key, "b's " .. key)) -- a neighbour of another owner
      end
      for i, key in ipairs(KEYS) do
        local receipt = assert(a:delete(key))
        assert.equal(2, #receipt.copies)
        for j, other in ipairs(KEYS) do
          assert.equal(j > i and "a's " .. other or nil, (nodes.content(a, other)))
          assert.equal("b's " .. other, nodes.content(b, other))
          assert.equal(j > i, a:stat(other) ~= nil)
          assert.equal(j > i, a:verify(other) ~= nil)
          assert.equal(sealed(a, a, other), sealed(a, b, other)) -- tombstones too
        end
      end
    end)
  end

  it("takes one copy only when it is evicted", function()
    local net <close> = nodes.net()
    local a = net:start("a", { path = crowded })
    for _, key in ipairs(KEYS) do assert(a:store(key, "content of " .. key)) end
    for i, key in ipairs(KEYS) do
      assert(a:evict(key))
      for j, other in ipairs(KEYS) do assert.equal(j > i and "content of " .. other or nil, (nodes.content(a, other))) end
    end
  end)
end)
