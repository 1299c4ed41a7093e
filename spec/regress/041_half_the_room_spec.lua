-- One offer of a peer could reserve all that was free on a node's disk, and hold it.

local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("an offer", function()
  it("may take half of what is free, together with others of that peer", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local free = a.disk:space()
    local stranger <close> = strangers.meet(a)
    local number = 0
    local function offer(part)
      number = number + 1
      return { record = stranger:record { size = free // 100 * part, key_hash = ("%032d"):format(number) } }
    end
    local code, message = stranger:refusal("offer", offer(60))
    assert.equal("no_space", code)
    assert.matches("half of what is free", message)
    assert.equal(0, stranger:ask("offer", offer(30)).want)
    assert.equal("no_space", (stranger:refusal("offer", offer(30))))
    assert.equal(0, stranger:ask("offer", offer(5)).want)
    local other <close> = strangers.meet(a)
    assert.equal(0, other:ask("offer", { record = other:record { size = free // 100 * 30 } }).want)
  end)

  it("that is not followed by bytes is forgotten, at once when the peer has gone", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local free = a.disk:space()
    local identity
    for _ = 1, 3 do
      local stranger <close> = strangers.meet(a, { identity = identity })
      identity = stranger.identity
      local record = stranger:record { size = free // 100 * 40 }
      nodes.wait(function() return next(a.landings) == nil end, "end of the last")
      assert.equal(0, stranger:ask("offer", { record = record }).want)
    end
  end)
end)
