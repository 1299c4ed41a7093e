-- A process that had dialled stayed for 2.5 s after its script had ended, because the resolver's sockets counted as connections that
-- were still closing.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

local PROCESSES, SECONDS = 6, 12 -- with 2.5 s each it is more

describe("a process that dialled", function()
  it("ends with its script", function()
    local net <close> = nodes.net()
    local script = ("local raw <close> = assert(require 'filo'.dial '%s')"):format(net:start("a").address)
    assert(filo.timeout(SECONDS, function()
      for _ = 1, PROCESSES do assert.equal(0, process.run({ "-e", script }).status) end
      return true
    end))
  end)
end)
