-- A flipped bit in a copy was returned as data; one bad copy failed a get though another was good; without authentication, CTR lets
-- anybody flip the bits that he likes.

local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"

local SIZES = { 100, 70000, (2 << 20) + 50 }

---Places in a sealed file: content, chunk hashes, record, footer.
local function places(size)
  local chunks = (size + (1 << 20) - 1) >> 20
  return { 0, size // 2, size - 1, size, size + 32 * chunks - 1, size + 32 * chunks, -90, -17, -16, -9, -1 }
end

describe("a flipped bit", function()
  for _, size in ipairs(SIZES) do
    it(("in the copy here is noticed, and a peer's given: %d bytes"):format(size), function()
      local net <close> = nodes.net()
      local a = net:cluster(2)
      local content = nodes.bytes(size)
      for i, at in ipairs(places(size)) do
        local key = "key " .. i
        assert(a:store(key, content))
        nodes.flip(nodes.place(a, a, key), at)
        assert.is_true(content == nodes.content(a, key), "byte " .. at)
        nodes.kept(a, key)
        assert(a:verify(key))
      end
    end)

    it(("in one peer's copy is noticed, and another's given: %d bytes"):format(size), function()
      local net <close> = nodes.net()
      local a, b, c = net:cluster(3)
      local content = nodes.bytes(size)
      for i, at in ipairs(places(size)) do
        local key = "key " .. i
        assert(a:store(key, content))
        nodes.flip(nodes.place(a, i % 2 == 0 and b or c, key), at)
        assert(a:evict(key))
        assert.is_true(content == nodes.content(a, key), "byte " .. at)
      end
    end)

    it(("in every copy is an error, never data: %d bytes"):format(size), function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2)
      local content = nodes.bytes(size)
      for i, at in ipairs(places(size)) do
        local key = "key " .. i
        assert(a:store(key, content))
        nodes.flip(nodes.place(a, a, key), at)
        nodes.flip(nodes.place(a, b, key), at)
        local read, err = nodes.content(a, key)
        assert.is_nil(read, "byte " .. at)
        assert.is_true(err.code == "corrupt" or err.code == "not_found" or err.code == "unsupported", tostring(err))
      end
    end)
  end

  it("leaves the bad copy aside until a good one is here", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    net:stop "b"
    nodes.flip(nodes.place(a, a, "key"), 4)
    assert.is_nil((nodes.content(a, "key")))
    assert.equal(1, (inside.of(a).disk:bad()))
    net:restart("b", { bootstrap = { a.address } })
    nodes.peer(a, b.id)
    assert.equal("content", nodes.content(a, "key"))
    nodes.kept(a, "key")
    assert.equal(0, (inside.of(a).disk:bad()))
  end)
end)
