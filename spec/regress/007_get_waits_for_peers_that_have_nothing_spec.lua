-- get slept, then waited for each peer in turn, and a peer that had nothing never answered: it waited for ever.

local filo = require "filo"
local nodes = require "spec.support.nodes"

---Seconds: less than a node waits for a peer that does not answer.
local DEADLINE = 10

describe("get of what nobody has", function()
  for _, count in ipairs { 1, 2, 5 } do
    it(("says so as soon as all have said so: %d nodes"):format(count), function()
      local net <close> = nodes.net()
      local a = net:cluster(count)
      assert(filo.timeout(DEADLINE, function()
        for i = 1, 50 do
          local object, err = a:get("nothing " .. i)
          assert.is_nil(object)
          assert.equal("not_found", err.code)
          assert.equal(("nothing %d"):format(i), err.key)
          assert.matches(count == 1 and "is not here, and no peers are connected to ask$"
            or ("is not here, and none of %d peers has it$"):format(count - 1), tostring(err))
          assert.is_false(a:has("nothing " .. i))
        end
        return true
      end))
    end)
  end

  it("asks all at once: one that is slow to answer does not keep what another has", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    for _, node in ipairs { b, c } do
      local find = node.peer_list.handlers.find
      local first = node == b
      node.peer_list:handle("find", function(...)
        if first then filo.sleep(DEADLINE) end
        return find(...)
      end)
    end
    assert(a:evict "key")
    assert.equal("content", filo.timeout(DEADLINE / 2, nodes.content, a, "key"))
  end)
end)
