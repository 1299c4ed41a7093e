-- A before_delete hook that changed the item made delete give nil without an error, or raise; a before_store hook, store.

local nodes = require "spec.support.nodes"

describe("a hook that changes what it is shown", function()
  it("changes nothing", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    a:on("before_store", function(what) what.fields.added, what.key = print, 7 end)
    assert(a:store("key", "content", { fields = { mine = 1 } }))
    assert.same({ mine = 1 }, a:stat("key").fields)
    for _, version in ipairs { false, "x" } do
      local remove = a:on("before_delete", function(item) item.version = version or nil end)
      assert.equal("key", assert(a:delete "key").key)
      assert(a:store("key", "content", { fields = {} }))
      remove()
    end
  end)
end)
