-- Descriptors leaked with every connection.

local descriptors = require "spec.support.descriptors"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

local TIMES = 100

local function open_count()
  local count = 0
  for _ in pairs(descriptors()) do count = count + 1 end
  return count
end

---Does something a hundred times; afterwards as many descriptors are open as after the first time.
local function check(fn)
  fn(0)
  filo.sleep(0)
  local before
  nodes.wait(function()
    local count = open_count()
    if before == count then return true end
    before = count
  end, "quiet")
  for i = 1, TIMES do fn(i) end
  nodes.wait(function() return open_count() <= before end, "end of the descriptors")
end

describe("descriptors do not leak", function()
  it("by connections that come and go", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false, policy = { quorum = 1 } })
    check(function() assert(filo.dial(a.address)):close() end)
    check(function() strangers.call(a, { tls = false }):close() end)
    check(function()
      local stranger <close> = strangers.meet(a, { tls = false })
      assert(stranger:find { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) })
    end)
    check(function()
      local stranger <close> = strangers.call(a, { tls = false })
      stranger:say(stranger:hello { proof = nodes.NONE })
      stranger:farewell()
    end)
  end)

  it("by nodes that connect and end, store and get", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    check(function()
      assert(net:start("c"):connect(a.address))
      nodes.peers(a, 2)
      net:stop "c"
      nodes.peers(a, 1)
    end)
    local content = nodes.bytes(70000)
    check(function(i)
      local key = "key " .. i % 5
      assert(a:store(key, content))
      assert(a:evict(key))
      assert.equal(content, nodes.content(a, key))
      assert.is_nil(a:get "nothing")
      assert(a:delete(key))
    end)
  end)

  it("by connecting to what is no node, or not there", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local listener <close> = assert(filo.listen "127.0.0.1:0")
    local serving = filo.spawn(function()
      while true do
        local connection <close> = listener:accept()
        if not connection then return end
        connection:write "HTTP/1.1 400 Bad Request\r\n\r\n"
        connection:flush()
      end
    end):observe()
    check(function() assert.is_nil(a:connect(listener:address())) end)
    check(function() assert.is_nil(a:connect "127.0.0.1:1") end)
    serving:cancel()
  end)
end)
