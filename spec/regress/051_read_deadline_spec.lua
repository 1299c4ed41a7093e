-- The deadline of a raw read began anew with every byte, so that who sent one now and then could make it last for ever.

local filo = require "filo"

describe("the deadline of a raw read", function()
  it("is not put off by the bytes that come", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    local writer <close> = assert(filo.dial(listener:address()))
    local reader <close> = assert(listener:accept())
    local trickle = filo.spawn(function()
      while true do
        writer:write "x"
        filo.sleep(0.01)
      end
    end)
    local before = filo.now()
    local line, err = filo.timeout(10, reader.read, reader, "l", 0.1)
    assert.is_nil(line)
    assert.equal("timeout", err.code)
    assert.is_true(filo.now() - before < 10)
    trickle:cancel()
  end)
end)
