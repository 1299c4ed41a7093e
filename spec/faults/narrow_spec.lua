---Ways between nodes that hold next to nothing, so that hardly any write to a socket is taken whole.

local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

---An address that leads to a node's by the narrow way.
local function narrow(address)
  local host, port = address:match "^(.-):(%d+)$"
  local way = process.start { program = "perl", "spec/support/narrow.pl", host, port }
  return way, (way:expect "^(127%.0%.0%.1:%d+)\n")
end

for _, tls in ipairs { false, true } do
  describe("by a narrow way, " .. (tls and "with" or "without") .. " TLS", function()
    it("all that is stored and got arrives whole", function()
      local net <close> = nodes.net()
      local a, b = net:start("a", { tls = tls }), net:start("b", { tls = tls })
      local way <close>, address = narrow(b.address)
      assert(a:connect(address))
      nodes.peers(b, 1)
      for i, node in ipairs { a, b } do
        for _, size in ipairs { 50000, (2 << 20) + 5 } do
          local key, content = "key " .. size, nodes.bytes(size, i)
          assert.equal(2, #assert(node:store(key, content)).copies)
          assert(node:evict(key))
          assert.is_true(content == nodes.content(node, key))
        end
      end
      assert.is_nil(way.result)
    end)
  end)
end
