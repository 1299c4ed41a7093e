local process = require "spec.support.process"
local scripts = require "spec.support.scripts"
local temp = require "spec.support.temp"

local SECONDS = 300 -- until it counts as one that hangs

describe("scripts/demo.lua", function()
  it("tells its story, compares everything and cleans up, from any folder", function()
    local elsewhere <close> = temp.folder()
    local here = scripts.shell("pwd"):match "[^\n]+"
    local result = process.run { here .. "/scripts/demo.lua", cwd = elsewhere.path, seconds = SECONDS }
    assert.equal("", result.err)
    assert.equal(0, result.status)
    assert.matches("All is well: %d%d%d+ comparisons, no difference", result.out)
    assert.is_nil(result.out:find "\27")
    local lines = select(2, result.out:gsub("\n", ""))
    assert.is_true(lines <= 45, "it fits a screen: " .. lines .. " lines")
    local folder = assert(result.out:match "/tmp/filo%-demo%.%w+")
    assert.equal("", scripts.shell("ls -d " .. folder .. " 2>/dev/null"))
  end)

  it("exits with 1 when a node gives back other bytes than it was given", function()
    local result = process.run { "-l", "spec.support.broken_object", "scripts/demo.lua", seconds = SECONDS }
    assert.equal(1, result.status)
    assert.matches("this should not happen: '.-' came back with other bytes", result.err)
    assert.is_nil(result.out:find "All is well")
    assert.equal("", scripts.shell("ls -d " .. result.out:match "/tmp/filo%-demo%.%w+" .. " 2>/dev/null"))
  end)
end)
