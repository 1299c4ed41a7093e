-- Messages that nobody had read yet were counted by their bytes alone: empty ones cost memory without any limit. And who was not let in
-- could leave as many unread as anybody.

local links = require "spec.support.links"
local runtime = require "filo.core.runtime"
local wire = require "spec.support.wire"

---Sends the bytes again and again, up to 16 MiB; gives the last words of the other side.
local function flood(peer, bytes)
  local piece = bytes:rep((64 << 10) // #bytes + 1)
  runtime.spawn(function()
    for _ = 1, (16 << 20) // #piece do
      if not peer.raw:write(piece) then return end
    end
    peer:close()
  end)
  return (peer:last_words())
end

describe("a flood of messages that nobody reads", function()
  it("ends the connection, though they are empty", function()
    local server <close> = links.listen { tls = false }
    local peer <close>, connection = server:meet()
    local _ <close> = connection
    connection:admit()
    assert.equal("busy", flood(peer, wire.message ""))
    assert.is_true(connection:stats().bytes_in < 4 << 20)
  end)

  it("ends it after little from who was not let in", function()
    local server <close> = links.listen { tls = false }
    local peer <close>, connection = server:meet()
    local _ <close> = connection
    assert.equal("busy", flood(peer, wire.value { filler = ("x"):rep(4000) }))
    assert.is_true(connection:stats().bytes_in < 1 << 20)
  end)
end)
