-- 256 KiB that a script did not read from a raw connection stopped the whole process: the loop called nothing else any more.

local process = require "spec.support.process"

describe("bytes that are not read from a raw connection", function()
  it("wait, and the loop goes on", function()
    local result = process.run { seconds = 30, "-e", [[
      local filo = require "filo"
      local listener = assert(filo.listen "127.0.0.1:0")
      local far = assert(filo.dial(listener:address()))
      local near = assert(listener:accept())
      print(select(2, filo.timeout(0.2, near.write, near, ("x"):rep(32 << 20))).code)
      local bytes = 0
      while bytes < 1 << 20 do bytes = bytes + #assert(far:read(100000, 10)) end
      print "read"
      os.exit(0)
    ]] }
    assert.equal("timeout\nread\n", result.out)
  end)
end)
