-- A `hash_key` that gave two keys one hash had `get` of the one answer with the object of the other.

local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"

describe("a key that has another key's hash", function()
  it("is not read as that key's object, here and from a peer", function()
    local net <close> = nodes.net()
    local function hash_key(key) return key:lower() end
    local a = net:cluster(2, { hash_key = hash_key })
    assert(a:store("Key", "content of Key"))
    local expected = "'kEY' cannot be read: the object with its hash is 'Key'; the function hash_key must give each key its own"
    for _, call in ipairs { "get", "stat", "fetch", "delete" } do
      assert.equal(expected, refused("invalid", a[call](a, "kEY")))
    end
    assert(a:evict "Key")
    assert.equal(expected, refused("invalid", a:get "kEY"))
    local object <close> = assert(a:get "Key")
    assert.equal("content of Key", object:read "a")
  end)
end)
