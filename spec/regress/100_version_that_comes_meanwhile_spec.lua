-- A get found a version at a peer, and a newer one was published here before it was opened: the newer one was then read with the older
-- one's key, which gave garbage, or what was deleted was read as empty.

local filo = require "filo"
local nodes = require "spec.support.nodes"

---Runs fn when a get has found the version at peers, before it goes on.
local function when_found(node, fn)
  local incoming = node.disk.incoming
  node.disk = setmetatable({ incoming = function(_, ...)
    if fn then
      local once = fn
      fn = nil
      once()
    end
    return incoming(node.real_disk, ...)
  end }, { __index = function(_, name)
    return function(_, ...) return node.real_disk[name](node.real_disk, ...) end
  end })
end

for _, size in ipairs { 100, 3 << 20 } do
  describe(("a get of %d bytes during which another version is published"):format(size), function()
    local function race(fn)
      local net <close> = nodes.net()
      local a = net:cluster(2)
      assert(a:store("key", nodes.bytes(size, 1)))
      assert(a:evict "key")
      a.real_disk = a.disk
      when_found(a, function() fn(a) end)
      return nodes.content(a, "key")
    end

    it("gives that one", function()
      local content = race(function(a) assert(a:store("key", nodes.bytes(size, 2))) end)
      assert.is_true(content == nodes.bytes(size, 2))
    end)

    it("says so when it is a deletion", function()
      local content, err = race(function(a) assert(a:delete "key") end)
      assert.is_nil(content)
      assert.equal("'key' was deleted", tostring(err))
    end)
  end)
end

describe("gets that race with stores", function()
  it("give one version or the other", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for i = 1, 30 do
      local key, old, new = "key " .. i, nodes.bytes(60, i), nodes.bytes(60, -i)
      assert(a:store(key, old))
      a:evict(key)
      local results = filo.all {
        function() return nodes.content(a, key) end,
        function()
          for _ = 1, i % 6 do filo.sleep(0) end
          return a:store(key, new)
        end,
      }
      assert.is_true(results[1] == old or results[1] == new)
    end
  end)
end)
