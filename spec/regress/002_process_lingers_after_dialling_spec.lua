-- A process that had dialled stayed for seconds after its script had ended: the resolver's own events looked like connections with
-- last words to say.

local process = require "spec.support.process"
local temp = require "spec.support.temp"

local DIALS = [[
local filo = require "filo"
local listener <close> = assert(filo.listen "127.0.0.1:0")
assert(filo.dial(listener:address())):close()
]]

describe("a process that has dialled", function()
  it("ends with its script", function()
    local folder <close> = temp.folder()
    local script = folder:write("dials.lua", DIALS)
    local sooner = false
    for _ = 1, 3 do -- a busy machine may hold up one
      local sleeper <close> = process.start { "-e", "require('filo').sleep(2)" }
      assert.equal(0, process.run({ script }).status)
      sooner = sooner or not sleeper:has_ended()
    end
    assert.is_true(sooner)
  end)
end)
