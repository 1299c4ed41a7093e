-- The prompt went on for as long as there was input when nobody read what it wrote any more.

local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

describe("filo -i into a pipe that is closed", function()
  it("ends without a word", function()
    local command = ("{ yes 1 2>/dev/null | %s -i; echo $? >&2; } | head -1"):format(temp.quote(runtime.program()))
    local result = process.run { program = "sh", "-c", command, seconds = 20 }
    assert.same({ status = 0, out = "1\n", err = "1\n" }, result)
  end)

  it("says why when it cannot write for another reason", function()
    local command = temp.quote(runtime.program()) .. " -i >/dev/full"
    local result = process.run { program = "sh", "-c", command, stdin = "1\n2\n" }
    assert.same({ 1, "filo: cannot write what a line gave: No space left on device\n" }, { result.status, result.err })
  end)
end)
