-- The error of a get whose copy finds no room on the disk here did not say what to do.

local nodes = require "spec.support.nodes"
local small_disk = require "spec.support.disk"
local stores = require "spec.support.stores"

describe("a get on a full disk", function()
  it("says what has no room, where, and what to do; it leaves nothing, and works once there is room", function()
    local disk <close> = small_disk.mount(12 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a = net:cluster(2, {}, { a = { root = disk:file "a" } })
    for _, size in ipairs { 10, 3 << 20 } do
      assert(a:store("key", nodes.bytes(size)))
      assert(a:evict "key")
      disk:fill()
      local object, err = a:get "key"
      assert.is_nil(object)
      assert.equal("no_space", err.code)
      assert.is_true(err.retryable)
      assert.matches("^cannot get 'key': no room for %d+ bytes more in .*/a: .*; free some on its disk$", tostring(err))
      assert.same({}, stores.list(disk:file "a/tmp"))
      disk:empty()
      assert.is_true(nodes.bytes(size) == nodes.content(a, "key"))
    end
    net:stop "a"
  end)
end)
