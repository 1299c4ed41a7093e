-- A before_... hook that failed, or took too long, allowed what it might have refused.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"

describe("a before_... hook that fails", function()
  it("refuses, and is reported", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("kept", "content"))
    a:on("before_store", function() error "oops" end)
    a:on("before_delete", function() error { code = "mine" } end)
    local ok, err = a:store("key", "content")
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    assert.matches("^the 'before_store' hook failed: .*032_failing_veto_spec.lua:%d+: oops, and so refuses$", tostring(err))
    assert.is_truthy(net:logged "a error: the hook 'before_store' failed: .*oops")
    assert.is_false(a:has "key")
    ok, err = a:delete "kept"
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    assert.is_true(a:has "kept")
  end)

  it("refuses at a peer, which does not tell why", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:on("before_accept", function() error "a secret of the peer" end)
    for _, size in ipairs { 10, 100000 } do
      local ok, err = a:store("key", nodes.bytes(size))
      assert.is_nil(ok)
      assert.equal("not_enough_copies", err.code)
      assert.matches("refused", tostring(err))
      assert.is_nil(tostring(err):find("secret", 1, true))
    end
    assert.is_truthy(net:logged "b error: the hook 'before_accept' failed: .*a secret of the peer")
    assert.is_false(nodes.exists(nodes.place(a, b, "key")))
  end)

  it("refuses when it takes too long", function()
    local _ <close> = limits { hook = 0.05 }
    local net <close> = nodes.net()
    local a = net:start "a"
    a:on("before_store", function() filo.sleep(60) end)
    local ok, err = a:store("key", "content")
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    assert.matches("the 'before_store' hook has not ended after 0.05 s, and so refuses", tostring(err))
    assert.is_false(a:has "key")
  end)
end)

describe("any other hook that fails", function()
  it("is reported and changes nothing, not even for the hooks after it", function()
    local _ <close> = limits { hook = 0.05 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local seen
    a:on("stored", function() error "oops" end, 2)
    a:on("stored", function() filo.sleep(60) end, 1)
    a:on("stored", function(object) seen = object.key end)
    assert(a:store("key", "content"))
    nodes.wait(function() return seen == "key" end, "third hook")
    assert.is_truthy(net:logged "a error: the hook 'stored' failed: .*oops")
    assert.is_truthy(net:logged "a error: the hook 'stored' has not ended after 0.05 s")
  end)
end)
