-- A message was one read of at most 1,028 bytes, and a stream followed its message by a pause: message and stream in one segment lost
-- the copy.

local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

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
      local stranger <close> = strangers.meet(a, { tls = false })
      local forged = forge(stranger.identity, { content = nodes.bytes(3000, step) })
      local place = { namespace = forged.namespace, key_hash = forged.key_hash }
      local fill = assert(stranger:offer(forged))
      assert(stranger.line:write_stream(1, forged.hashes))
      assert(stranger.line:wait_credit(1, 32 + 3000))
      stranger.line:write(wire.value { id = 101, topic = "find", body = place } .. wire.stream(1, forged.content) .. wire.stream(1, "")
        .. wire.value { id = 102, topic = "check", body = place }, step)
      for _, number in ipairs { 101, 102, fill } do assert.same({}, (stranger:reply(number))) end
      assert.equal(forged.hashes .. forged.content, stranger:find(forged).body)
    end
  end)
end)
