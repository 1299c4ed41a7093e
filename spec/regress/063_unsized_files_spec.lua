-- A regular file whose size the system gives as 0 though it has content, such as those in /proc, was stored empty.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

local UNSIZED = "/proc/self/environ"

describe("a file of size 0", function()
  it("is read to its end when it has content", function()
    local file <close> = assert(io.open(UNSIZED, "rb"))
    local content = file:read "a"
    assert.is_true(#content > 0)
    local net <close> = nodes.net()
    local a = net:start "a"
    assert.equal(#content, assert(a:store("environment", filo.file(UNSIZED))).size)
    assert.equal(content, assert(a:get "environment"):read "a")
  end)

  it("is empty when it is", function()
    local folder <close> = temp.folder()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert.equal(0, assert(a:store("empty", filo.file(folder:write("empty", "")))).size)
    assert.equal("", assert(a:get "empty"):read "a")
  end)
end)
