-- os.exit(status, true) closes `<close>` variables where nothing can wait: one that waits nevertheless crashed the process.

local process = require "spec.support.process"

describe("os.exit with true", function()
  it("survives a <close> variable that waits", function()
    local result = process.run { "-e", [[
      local filo = require "filo"
      local _ <close> = setmetatable({}, { __close = function() print "last" end })
      local _ <close> = setmetatable({}, { __close = function() filo.sleep(0.01) end })
      local _ <close> = setmetatable({}, { __close = function() print(pcall(filo.sleep, 0.01)) end })
      os.exit(7, true)
    ]] }
    assert.is_nil(result.signal)
    assert.equal(7, result.status)
    assert.matches("^false\t[^\n]*cannot wait here.-\nlast\n$", result.out)
  end)
end)
