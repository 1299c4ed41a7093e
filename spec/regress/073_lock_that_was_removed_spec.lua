-- A second node opened a root in use when the file `lock` had been removed.

local filo = require "filo"
local nodes = require "spec.support.nodes"

describe("a root in use", function()
  it("is refused to a second node, though its lock file was removed", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    assert(os.remove(a.root .. "/lock"))
    local second, err = net:try("second", { root = a.root })
    assert.is_nil(second)
    assert.equal("locked", err.code)
    assert.matches("is in use by another process", tostring(err))
    a:close()
    local again <close> = assert(filo.node { root = a.root, reserve = 0, log = function() end })
    assert.is_truthy(again:stat "key")
  end)
end)
