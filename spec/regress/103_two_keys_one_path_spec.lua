-- A path function that gave two keys one path made one key's content come back for the other, and evict remove it.

local nodes = require "spec.support.nodes"

describe("a key whose path another key's object has", function()
  it("is told so by every call, and the other stays as it is", function()
    local net <close> = nodes.net()
    local a = net:start("a", { path = function() return "one/path" end })
    assert(a:store("first", "content"))
    for _, call in ipairs { "store", "get", "stat", "evict", "verify" } do
      local result, err = a[call](a, "second", call == "store" and "other content" or nil)
      assert.is_nil(result)
      assert.equal("invalid", err.code, call)
      assert.matches("path", tostring(err))
    end
    assert.is_false(a:has "second")
    assert.equal("content", nodes.content(a, "first"))
  end)
end)
