-- At the end of the process the flush thread handed publications to a pool of workers that was gone already. (AddressSanitizer tells;
-- without it, the process happened to end well.)

local process = require "spec.support.process"
local temp = require "spec.support.temp"

local ENDS = [[
local crypto = require "filo.core.crypto"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local me = assert(crypto.identity_generate())
local disk = assert(store.open(arg[1], me:raw_id(), "group"))
for i = 1, 4 do
  local deposit = assert(disk:deposit(100000, false, false))
  assert(deposit:write(("x"):rep(100000)))
  assert(deposit:finish())
  runtime.spawn(function() deposit:publish(me, ("%032d"):format(i), 1, "", "object " .. i) end)
end
runtime.sleep(0)
]]

describe("a process that ends while objects are flushed in a group", function()
  it("waits for the flush", function()
    for _ = 1, 5 do
      local folder <close> = temp.folder()
      local script = folder:write("ends.lua", ENDS)
      local result = process.run { script, folder:file "root" }
      assert.equal("", result.err)
      assert.equal(0, result.status)
    end
  end)
end)
