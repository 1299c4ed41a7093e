-- The report of a script that computes for too long, when its traceback was longer than a kilobyte, left a mark on the function that
-- was interrupted: what its caller got beside its results was not nil but what lay there before.

local interruptible = require "spec.support.interruptible"
local process = require "spec.support.process"

local SCRIPT = [[
  local function compute(until_then, garbage)
    local x = 0
    while os.clock() < until_then do
      for i = 1, 30000000 do x = x + i end -- no calls: it is this function that is interrupted
    end
    return x
  end
  local function a_function_whose_name_makes_a_traceback_long(depth)
    if depth > 0 then return (a_function_whose_name_makes_a_traceback_long(depth - 1)) end
    local x, nothing = compute(os.clock() + 1.5, "garbage")
    return nothing
  end
  print(a_function_whose_name_makes_a_traceback_long(30))
]]

describe("the report of a long computation", function()
  it("changes nothing of what the script does", function()
    local result = process.run { "-e", SCRIPT }
    assert.equal("nil\n", result.out)
    assert.equal(0, result.status)
    if interruptible then assert.matches("has been running for 1 s", result.err) end
  end)
end)
