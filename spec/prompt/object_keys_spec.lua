local find_keys = require "filo.prompt.object_keys"
local nodes = require "spec.support.nodes"

-- The methods that take a key were listed by hand, and `fetch`, `replicate` and `copies` were not among them.
describe("the keys that complete an argument", function()
  it("are for every method of a node that takes one, and for no other", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, key in ipairs { "photo 2", "photo 1", "note" } do assert(a:store(key, key)) end
    for _, method in ipairs {
      "copies", "delete", "evict", "fetch", "get", "has", "list", "replicate", "stat", "store", "verify",
    } do
      assert.same({ { "photo 1", "photo 2" }, true }, { find_keys(a, method, "ph") })
    end
    for _, name in ipairs { "broadcast", "close", "connect", "handle", "id", "no such method", "on", "request" } do
      assert.same({ {}, true }, { find_keys(a, name, "ph") })
    end
    assert.same({ {}, true }, { find_keys({ get = a.get }, "get", "ph") })
  end)
end)
