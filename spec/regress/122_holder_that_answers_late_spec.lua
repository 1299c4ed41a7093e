-- A get failed when the only holder that had answered at once turned out to be bad, though another that answered a little later had a
-- good copy.

local filo = require "filo"
local nodes = require "spec.support.nodes"

---Calls fn(a, content, go) with b, whose copy is bad, and c, which answers what it has once go() is called.
local function with_late_holder(fn)
  local net <close> = nodes.net()
  local a, b, c = net:cluster(3)
  local content = nodes.bytes(5 << 20)
  assert(a:store("key", content))
  nodes.flip(nodes.place(a, b, "key"), 5000)
  local find, go = c.peer_list.handlers.find, filo.channel(1)
  c.peer_list:handle("find", function(...)
    go:receive()
    return find(...)
  end)
  fn(a, content, function() go:send(true) end, net)
end

describe("a holder that answers late", function()
  it("is asked when those that were quick are bad", function()
    with_late_holder(function(a, content, go, net)
      assert(a:evict "key")
      local getting = filo.spawn(nodes.content, a, "key")
      nodes.wait(function() return net:logged "gave a bad copy" end, "bad copy noticed")
      go()
      local got, err = getting:join(20)
      assert.is_true(got == content, tostring(err))
    end)
  end)

  it("also heals a copy here that has rotted", function()
    with_late_holder(function(a, content, go, net)
      nodes.flip(nodes.place(a, a, "key"), 6000)
      local getting = filo.spawn(nodes.content, a, "key")
      nodes.wait(function() return net:logged "gave a bad copy" end, "bad copy noticed")
      go()
      local got, err = getting:join(20)
      assert.is_true(got == content, tostring(err))
    end)
  end)

  it("is not waited for when it goes", function()
    with_late_holder(function(a, _, _, net)
      assert(a:evict "key")
      local getting = filo.spawn(nodes.content, a, "key")
      nodes.wait(function() return net:logged "gave a bad copy" end, "bad copy noticed")
      net:stop "c"
      local got, err = getting:join(20)
      assert.is_nil(got)
      assert.is_truthy(err.code)
    end)
  end)
end)
