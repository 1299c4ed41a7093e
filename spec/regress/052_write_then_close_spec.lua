-- Closing a raw connection dropped what had been written to it and was not sent yet.

local filo = require "filo"

describe("what was written to a raw connection", function()
  it("arrives though the connection is closed at once", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    local far = assert(filo.dial(listener:address()))
    local near <close> = assert(listener:accept())
    assert(far:write(("x"):rep(200000)))
    far:close()
    assert.equal(200000, #assert(near:read("a", 10)))
  end)
end)
