local at_end = require "filo.host.at_end"
local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local raises = require "spec.support.raises"
local virtual = require "spec.support.virtual"

describe("node:close", function()
  it("gives the root free though objects are still open", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(3 << 20)))
    local object = assert(a:get "key")
    assert(object:read(10))
    net:stop "a"
    raises("the object is closed", function() object:read(10) end)
    a = net:restart "a"
    assert.equal(3 << 20, #nodes.content(a, "key"))
  end)

  it("ends a read that waits for a peer", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", nodes.bytes(3 << 20)))
    assert(a:evict "key")
    inside.of(b).peer_list:handle("read", function() filo.sleep(60) end)
    local object = assert(a:get "key")
    local reading = filo.spawn(function() return object:read(10) end):observe()
    filo.sleep(0.05)
    net:stop "a"
    local bytes, err = reading:join(5)
    assert.is_nil(bytes)
    assert.equal("closed", err.code)
  end)

  it("waits until what is being written is written, so that the node can start again at once", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, { durability = "full" })
    local content = nodes.bytes(3 << 20)
    assert(a:store("key", content))
    for _ = 1, 5 do
      local evicted, err = a:evict "key"
      assert(evicted or err.code == "not_found", err) -- closed before the copy was whole
      assert.equal(content, nodes.content(a, "key")) -- and now it is being flushed
      a = net:restart "a"
      nodes.peers(a, 1)
    end
  end)

  ---Starts to close a node whose disk is in use. Gives the task, which waits for the disk by now.
  local function start_closing(node)
    local disk, waits = inside.of(node).disk, filo.channel()
    inside.of(node).disk = setmetatable({ wait_idle = function(_, seconds)
      waits:send(true)
      return disk:wait_idle(seconds)
    end }, { __index = disk })
    local closing = filo.spawn(node.close, node):observe()
    assert.is_true(waits:receive(10))
    filo.sleep(0)
    assert.equal("waiting", closing:status())
    return closing
  end

  it("is told when the last that works on the disk has ended", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local walk = assert(inside.of(a).disk:walk())
    local closing = start_closing(a)
    walk:close()
    closing:join(5)
    a = net:restart "a"
    a:close()
  end)

  -- Who was cancelled while the disk was waited for went on with a root that was not free.
  it("waits for the disk though the task that calls is cancelled", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local walk = assert(inside.of(a).disk:walk())
    local closing = start_closing(a)
    closing:cancel "for a test"
    filo.sleep(0)
    assert.equal("waiting", closing:status())
    walk:close()
    local ok, err = pcall(closing.join, closing, 5)
    assert.is_false(ok)
    assert.equal("cancelled", err.code)
    a = net:restart "a"
    a:close()
  end)

  it("gives up what never ends at the limit, and may be called again", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local walk = assert(inside.of(a).disk:walk())
    virtual(function(host)
      local began, limits = host.now(), host.limits
      a:close()
      assert.is_true(host.now() - began <= limits.close_tasks + limits.close_disk)
      a:close()
      assert.is_true(host.now() - began <= limits.close_tasks + limits.close_disk)
    end)()
    local none, err = filo.node { root = a.root, log = function() end }
    assert.is_nil(none)
    assert.equal("locked", err.code)
    walk:close()
    assert(filo.node { root = a.root, log = function() end }):close()
  end)

  it("ends a listing that was left open", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for i = 1, 70 do assert(a:store("key " .. i, "x")) end
    local next_item = a:list()
    assert.is_table(next_item())
    local first = a:list()()
    assert.is_string(first.key)
    a = net:restart "a"
    assert.equal("x", nodes.content(a, "key 1"))
  end)

  it("is idempotent, wakes who waits for it, and ends every call", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local waiting = filo.spawn(function()
      a:wait()
      return "closed"
    end)
    filo.sleep(0)
    a:close()
    a:close()
    assert.equal("closed", waiting:join(5))
    for _, call in ipairs {
      function() a:store("key", "x") end, function() a:get "key" end, function() a:stat "key" end,
      function() a:list() end, function() a:delete "key" end, function() a:evict "key" end, function() a:verify "key" end,
      function() a:peers() end, function() a:connect "127.0.0.1:1" end, function() a:handle("topic", print) end,
      function() a:request("id", "topic") end, function() a:broadcast "topic" end, function() a:on("stored", print) end,
      function() a:ready() end, function() a:has "key" end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.matches("close_spec.lua:%d+: the node is closed", err)
    end
  end)
end)

-- Closing a node waited three seconds for each task that would not be cancelled, one after the other.
describe("node:close", function()
  it("waits for all tasks together, not for each in turn", simulated(function(net, host)
    local a, b = net:cluster(2)
    local begun, stop, ended = filo.channel(40), filo.channel(), filo.channel(40)
    b:handle("stubborn", function()
      begun:send(true)
      while not pcall(stop.receive, stop) do end
      ended:send(true)
    end)
    for _ = 1, 40 do filo.spawn(function() pcall(a.request, a, b.id, "stubborn") end) end
    for _ = 1, 40 do assert.is_true(begun:receive(10)) end
    local began = host.now()
    b:close()
    assert.is_true(host.now() - began < 2 * host.limits.close_tasks)
    assert.is_nil((ended:receive(0)))
    stop:close()
    for _ = 1, 40 do assert.is_true(ended:receive(10)) end
  end))

  -- A loop that carries on after each failure, the cancellation too, went on for ever without its node.
  it("ends a task that has caught its cancellation and waits again", simulated(function(net)
    local a = net:cluster(1)
    local ended, begun = filo.channel(), filo.channel()
    a:spawn(function()
      local _ <close> = at_end(function() ended:send(true) end)
      begun:send(true)
      pcall(filo.sleep, 3600)
      filo.sleep(3600)
    end)
    begun:receive()
    a:close()
    assert.is_true(ended:receive(10))
  end))

  it("may be called by a task of the node", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local closed = filo.channel()
    b:handle("end", function()
      b:close()
      closed:send(true)
    end)
    local answer, err = a:request(b.id, "end")
    assert.is_nil(answer)
    assert.equal("closed", err.code)
    assert.is_true(closed:receive(10))
  end)
end)

-- A call that ran while its node closed raised an error of Filo's inside; a second close did not wait for the first.

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

-- A get that was asking peers never returned when its node was closed.
describe("a node that is closed while it asks its peers", function()
  for _, call in ipairs { "get", "stat", "has" } do
    it("ends " .. call, function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2)
      local asked = filo.channel()
      inside.of(b).peer_list:handle("find", function()
        asked:send(true)
        filo.sleep(60)
      end)
      local task = filo.spawn(function() return a[call](a, "key") end):observe()
      asked:receive(10)
      net:stop "a"
      assert.is_true(task:status() == "ended" or pcall(task.join, task, 5))
      assert.equal("ended", task:status())
    end)
  end
end)
