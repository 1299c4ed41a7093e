-- Of two reads that found a copy bad at the same time, one healed it and the other failed, though there was a good source.

local filo = require "filo"
local nodes = require "spec.support.nodes"

describe("two reads that find a copy bad at once", function()
  it("both get the good bytes", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local content = nodes.bytes(3 << 20)
    assert(a:store("key", content))
    nodes.flip(nodes.place(a, a, "key"), 16 + 10)
    local object <close> = assert(a:get "key")
    local results = filo.all {
      function() return object:range(0, 100) end,
      function() return object:range(50, 100) end,
      function() return object:read(10) end,
    }
    assert.same({ content:sub(1, 100), content:sub(51, 150), content:sub(1, 10) }, results)
  end)
end)
