-- A message was one read of at most 1,028 bytes, and a stream followed its message by a pause: message and stream in one segment lost
-- the copy.

local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local raw_peers = require "spec.support.raw_peer"

describe("a message", function()
  it("has any length up to 1 MiB, both ways", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("echo", function(body) return body end)
    for _, size in ipairs { 0, 1, 1000, 1027, 1028, 1029, 4096, 65536, 65537, 300000, (1 << 20) - 100 } do
      local text = nodes.bytes(size, size)
      assert.is_true(text == a:request(b.id, "echo", text), size .. " bytes")
    end
  end)

  it("may come with the bytes of a stream, in one segment or byte by byte", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    for _, step in ipairs { 1 << 20, 1000, 7, 1 } do
      local stranger <close> = raw_peers.meet(a)
      local forged = forge(stranger.identity, { content = nodes.bytes(3000, step) })
      local fill = assert(stranger:offer(forged))
      stranger:stream(forged.hashes)
      assert(stranger:wait_credit(1, 32 + 3000))
      stranger:hold()
      local before = stranger:request("find", { namespace = forged.namespace, key_hash = forged.key_hash })
      stranger:stream(forged.content)
      stranger:end_stream()
      local after = stranger:request("check", { namespace = forged.namespace, key_hash = forged.key_hash })
      stranger:release(step)
      assert.same({}, (stranger:reply(before)))
      assert.same({}, (stranger:reply(after)))
      assert.same({}, (stranger:reply(fill)))
      local found = stranger:ask("find", { namespace = forged.namespace, key_hash = forged.key_hash })
      assert.equal(forged.hashes .. forged.content, found.body)
    end
  end)
end)
