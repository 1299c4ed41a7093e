---Getting from holders that lie, stop, or have something else meanwhile.

local filo = require "filo"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

-- A peer that answered first, with the right record and other bytes, failed a get though another peer had a good copy.
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
    local good = liar:ask("find", { namespace = inside.of(a).namespace, key_hash = a:key_hash "key" })
    local answer = inside.of(b).peer_list.requests.handlers.find
    inside.of(b).peer_list:handle("find", function(...)
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
    local good = liar:ask("find", { namespace = inside.of(a).namespace, key_hash = a:key_hash "key" })
    nodes.drop(a, "key")
    for _, lie in ipairs(lies(good)) do
      liar:on("find", function() return { body = { record = good.record, body = lie } } end)
      local object, err = a:get "key"
      assert.is_nil(object)
      assert.equal("not_found", err.code)
      assert.matches("'key' is not here, and the one peer that was asked gave no good answer", tostring(err))
    end
  end)
end)

-- A holder that stopped sending, or did not answer, held a get up for half a minute each time; it was not given up for another while the
-- list of hashes was fetched.

local BIG = 400005 -- 98 chunks of the simulated machines

describe("a holder that stops sending", function()
  it("leaves the rest to another", simulated(function(net, host)
    local a = net:cluster(3)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    assert(a:evict "key")
    local object <close> = assert(a:get "key")
    assert.equal(content:sub(1, 10), object:read(10))
    net:cut("a", "c")
    local began = host.now()
    assert.is_true(content:sub(11) == object:read "a")
    assert.is_true(host.now() - began < 2 * host.limits.stall)
  end))

  it("ends a get with an error when it is the only one; what has come is kept", simulated(function(net)
    local a, b = net:cluster(2)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    assert(a:evict "key")
    local object <close> = assert(a:get "key")
    assert.equal(content:sub(1, 10), object:read(10))
    net:cut("a", "b")
    local rest, err = object:read "a"
    assert.is_nil(rest)
    assert.equal("timeout", err.code)
    assert.matches("peer " .. b.id:sub(1, 16) .. " .* sends nothing", tostring(err))
    net:mend("a", "b")
    local before = net.world.network.content
    assert.is_true(content == nodes.content(a, "key"))
    assert.is_true(net.world.network.content - before < BIG)
  end))
end)

describe("a holder that does not answer", function()
  it("is given up for another", simulated(function(net, host)
    local a, _, silent = net:cluster(3)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    inside.of(silent).peer_list:handle("read", function() host.sleep(3600) end)
    for _ = 1, 3 do
      assert(a:evict "key")
      assert.is_true(content == nodes.content(a, "key"))
      inside.of(a).fetches:wait(a:key_hash "key")
    end
    assert.is_true(net:logged("a warning: a copy from peer " .. silent.id:sub(1, 16) .. " .* is given up") > 0)
    assert.equal(2, #a:peers())
  end))

  it("ends a get with an error when it is the only one", simulated(function(net, host)
    local a, silent = net:cluster(2)
    assert(a:store("key", nodes.bytes(BIG)))
    inside.of(silent).peer_list:handle("read", function() host.sleep(3600) end)
    assert(a:evict "key")
    local content, err = nodes.content(a, "key")
    assert.is_nil(content)
    assert.equal("timeout", err.code)
    assert.matches("peer " .. silent.id:sub(1, 16), tostring(err))
  end))
end)

-- A holder sends two runs at once. When one was found corrupt, the holder set its copy aside, and the other run then failed with
-- "not_found": that was what the reader was told.

local MIB = 1 << 20

describe("a holder whose copy is bad", function()
  it("fails a get with what was wrong first", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", nodes.bytes(40 * MIB)))
    nodes.flip(nodes.place(a, b, "key"), 20 * MIB)
    local handlers = inside.of(b).peer_list.requests.handlers
    local read, check, checked = handlers.read, handlers.check, filo.channel()
    inside.of(b).peer_list:handle("check", function(...)
      checked:send(true)
      return check(...)
    end)
    inside.of(b).peer_list:handle("read", function(body, peer)
      if body.first < 32 then return read(body, peer) end
      checked:receive(10)
      return nil, { code = "not_found", message = "that version is not here" }
    end)
    nodes.drop(a, "key")
    local object <close> = assert(a:get "key")
    local bytes, err = object:read "a"
    assert.is_nil(bytes)
    assert.equal("corrupt", err.code)
  end)
end)

-- A get found a version at a peer, and a newer one was published here before it was opened: the newer one was then read with the older
-- one's key, which gave garbage, or what was deleted was read as empty.

---Runs fn when a get has found the version at peers, before it goes on.
local function when_found(node, fn)
  local disk = inside.of(node).disk
  local function before(method)
    return function(_, ...)
      local once = fn
      fn = nil
      if once then once() end
      return disk[method](disk, ...)
    end
  end
  inside.of(node).fetches.disk = setmetatable({ partial = before "partial", in_hand = before "in_hand" }, { __index = disk })
end

for _, size in ipairs { 100, 3 << 20 } do
  describe(("a get of %d bytes during which another version is published"):format(size), function()
    local function race(fn)
      local net <close> = nodes.net()
      local a = net:cluster(2)
      assert(a:store("key", nodes.bytes(size, 1)))
      assert(a:evict "key")
      when_found(a, function() fn(a) end)
      return nodes.content(a, "key")
    end

    it("gives that one", function()
      local content = race(function(a) assert(a:store("key", nodes.bytes(size, 2))) end)
      assert.is_true(content == nodes.bytes(size, 2))
    end)

    it("says so when it is a deletion", function()
      local content, err = race(function(a) assert(a:delete "key") end)
      assert.is_nil(content)
      assert.equal("'key' was deleted", tostring(err))
    end)
  end)
end

describe("gets that race with stores", function()
  it("give one version or the other", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for i = 1, 30 do
      local key, old, new = "key " .. i, nodes.bytes(60, i), nodes.bytes(60, -i)
      assert(a:store(key, old))
      a:evict(key)
      local results = filo.all {
        function() return nodes.content(a, key) end,
        function()
          for _ = 1, i % 6 do filo.sleep(0) end
          return a:store(key, new)
        end,
      }
      assert.is_true(results[1] == old or results[1] == new)
    end
  end)
end)

-- Of two reads that found a copy bad at the same time, one healed it and the other failed, though there was a good source.
describe("two reads that find a copy bad at once", function()
  it("both get the good bytes", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local content = nodes.bytes(3 << 20)
    assert(a:store("key", content))
    nodes.flip(nodes.place(a, a, "key"), 10)
    local object <close> = assert(a:get "key")
    local results = filo.all {
      function() return object:range(0, 100) end,
      function() return object:range(50, 100) end,
      function() return object:read(10) end,
    }
    assert.same({ content:sub(1, 100), content:sub(51, 150), content:sub(1, 10) }, results)
  end)
end)

-- What readers shared was found again as long as it was not collected, which no two runs do at the same time.
describe("the partial of a fetch that failed", function()
  it("is shared by a later get while somebody reads it, and forgotten when nobody does", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(3 << 20)
    assert(a:store("key", content))
    assert(a:evict "key")
    local read = inside.of(b).peer_list.requests.handlers.read
    inside.of(b).peer_list:handle("read", function() return nil, filo.error("denied", "not today") end)
    local first = assert(a:get "key")
    assert.is_nil((first:read "a"))
    inside.of(b).peer_list:handle("read", read)
    inside.of(a).fetches:wait(a:key_hash "key")
    local held = inside.of(a).fetches.held[next(inside.of(a).fetches.held)]
    assert.equal(1, held.holders)
    local second <close> = assert(a:get "key")
    assert.equal(held, inside.of(a).fetches.held[next(inside.of(a).fetches.held)])
    first:close()
    assert.is_true(content == second:read "a")
    second:close()
    inside.of(a).fetches:wait(a:key_hash "key")
    nodes.wait(function() return not next(inside.of(a).fetches.held) end, "end of the last holder")
  end)

  it("is forgotten, too, when a script has dropped what it read from", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", nodes.bytes(3 << 20)))
    assert(a:evict "key")
    assert(a:get("key"):read "a")
    inside.of(a).fetches:wait(a:key_hash "key")
    nodes.wait(function()
      collectgarbage()
      return not next(inside.of(a).fetches.held)
    end, "end of the last holder")
  end)
end)
