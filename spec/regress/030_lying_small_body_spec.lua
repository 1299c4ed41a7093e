-- A peer that answered first, with the right record and other bytes, failed a get though another peer had a good copy.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("a small body that does not match its record", function()
  local function lies(good)
    return {
      ("x"):rep(#good.body), good.body .. "x", "", good.body:sub(1, 32) .. ("x"):rep(#good.body - 32),
      ("x"):rep(32) .. good.body:sub(33),
    }
  end

  it("is not believed; another holder's is taken", function()
    local _ <close> = limits { report = 0 }
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(1000)
    assert(a:store("key", content))
    local liar <close> = strangers.meet(a)
    local good = liar:ask("find", { namespace = a.namespace, key_hash = a:key_hash "key" })
    local answer = b.peer_list.handlers.find
    b.peer_list:handle("find", function(...)
      filo.sleep(0.05) -- the liar is first
      return answer(...)
    end)
    for _, lie in ipairs(lies(good)) do
      assert(a:evict "key")
      liar:on("find", function() return { body = { record = good.record, body = lie } } end)
      assert.equal(content, nodes.content(a, "key"))
      assert.is_truthy(net:logged("a warning: peer " .. liar.id:sub(1, 16) .. " .* gave a bad copy"))
      net.lines = {}
    end
  end)

  it("fails a get when nobody else has it", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(1000)))
    local liar <close> = strangers.meet(a)
    nodes.peers(a, 1)
    local good = liar:ask("find", { namespace = a.namespace, key_hash = a:key_hash "key" })
    assert(a:evict "key")
    for _, lie in ipairs(lies(good)) do
      liar:on("find", function() return { body = { record = good.record, body = lie } } end)
      local object, err = a:get "key"
      assert.is_nil(object)
      assert.equal("not_found", err.code)
      assert.matches("'key' is not here, and 1 of 1 peers gave no good answer", tostring(err))
    end
  end)
end)
