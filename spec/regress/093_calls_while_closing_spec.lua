-- A call that ran while its node closed raised an error of Filo's inside; a second close did not wait for the first.

local filo = require "filo"
local nodes = require "spec.support.nodes"

---What a call gives whose node is closed while it is in a function of the script's: fn(pause).
local function closed_during(net, fn)
  local begun, go_on = filo.channel(), filo.channel()
  local call = filo.spawn(fn, function()
    begun:send(true)
    go_on:receive(5)
  end):observe()
  assert.is_true(begun:receive(5))
  net:stop "a"
  go_on:send(true)
  return pcall(call.join, call, 10)
end

describe("a call that runs while its node closes", function()
  local calls = {
    ["in a hook of store"] = function(a, pause)
      a:on("before_store", pause)
      return a:store("key", "content")
    end,
    ["in a hook of delete"] = function(a, pause)
      assert(a:store("key", "content"))
      a:on("before_delete", pause)
      return a:delete "key"
    end,
  }
  for where, call in pairs(calls) do
    it(("gives nil, closed (%s)"):format(where), function()
      local net <close> = nodes.net()
      local a = net:start "a"
      local ok, result, err = closed_during(net, function(pause) return call(a, pause) end)
      assert.is_true(ok, tostring(result))
      assert.is_nil(result)
      assert.equal("closed", err.code)
    end)
  end
end)

describe("closing", function()
  it("a second time waits for the first", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local ended = filo.channel()
    a:spawn(function() -- holds up the closing
      local _ <close> = setmetatable({}, { __close = function() ended:receive(2) end })
      filo.sleep(60)
    end)
    filo.sleep(0)
    local first = filo.spawn(function() a:close() end)
    filo.spawn(function()
      filo.sleep(0)
      ended:send(true)
    end)
    filo.sleep(0)
    a:close()
    local again = assert(filo.node { root = a.root, log = function() end })
    again:close()
    first:join()
  end)
end)
