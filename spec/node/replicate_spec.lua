local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"

describe("node:replicate", function()
  it("makes copies of what is stored, at peers that were away", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local contents = { small = "content", large = nodes.bytes(3 << 20) }
    local versions = {}
    for key, content in pairs(contents) do versions[key] = assert(a:store(key, content)).version end
    local c = net:start("c", { bootstrap = { a.address } })
    nodes.peers(a, 2)
    for key, content in pairs(contents) do
      local receipt = assert(a:replicate(key))
      assert.same({ versions[key], 3, {} }, { receipt.version, #receipt.copies, receipt.refused })
      assert.equal(versions[key], a:stat(key).version)
      assert.is_true(nodes.exists(nodes.place(a, c, key)))
      net:stop "b"
      assert(a:evict(key))
      assert.is_true(content == nodes.content(a, key))
      local b = net:restart "b"
      nodes.wait(function() return #a:peers() == 2 or a:connect(b.address) end, "b")
      nodes.kept(a, key)
    end
  end)

  it("says when there are not enough, and when there is nothing to copy", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    b:on("before_accept", function() return false, "full" end)
    assert(b.disk:remove(a.namespace, a:path_of(a:key_hash "key"), 0))
    assert.matches("full", refused("not_enough_copies", a:replicate "key"))
    refused("not_found", a:replicate "none")
    refused("invalid", a:replicate "")
    assert(a:delete "key")
    refused("not_found", a:replicate "key")
  end)

  it("sends the rest where a part is already", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(40 << 20)
    local fill, cut = b.peer_list.handlers.fill, false
    b.peer_list:handle("fill", function(body, peer)
      if not cut then
        cut = true
        b:spawn(function()
          nodes.wait(function() return peer.connection:stats().bytes_in > 8 << 20 end, "bytes")
          peer.connection:close("closed", "cut")
        end)
      end
      return fill(body, peer)
    end)
    refused("not_enough_copies", a:store("key", content))
    nodes.peers(a, 1)
    nodes.peers(b, 1)
    local first
    b.peer_list:handle("fill", function(body, peer)
      first = body.first
      return fill(body, peer)
    end)
    assert.equal(2, #assert(a:replicate "key").copies)
    assert.is_true(first > 0)
    assert(a:evict "key")
    assert.is_true(content == nodes.content(a, "key"))
  end)
end)
