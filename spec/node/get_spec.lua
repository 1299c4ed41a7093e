local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

local MIB = 1 << 20
local BIG = (40 << 20) + 5

---Counts the chunks that a node is asked for.
local function count_reads(node)
  local seen = { reads = 0 }
  local read = inside.of(node).peer_list.requests.handlers.read
  inside.of(node).peer_list:handle("read", function(body, peer)
    seen.reads = seen.reads + 1
    return read(body, peer)
  end)
  return seen
end

describe("node:get", function()
  it("reads from several peers at once", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    local at_b, at_c = count_reads(b), count_reads(c)
    nodes.wait(function() -- both are holders unless one answers late
      at_b.reads, at_c.reads = 0, 0
      nodes.kept(a, "key")
      assert(a:evict "key")
      assert.equal(content, nodes.content(a, "key"))
      return at_b.reads > 0 and at_c.reads > 0
    end, "reads at both")
  end)

  it("is not misled by one that lies and one that sends a bad copy", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    for _, at in ipairs { 5, 20 * MIB, -100 } do -- the content, and the record
      nodes.flip(nodes.place(a, b, "key"), at)
      assert(a:evict "key")
      assert.equal(content, nodes.content(a, "key"))
      nodes.wait(function() -- b has noticed, or was not asked for that chunk
        inside.of(b).verifier:check(inside.of(a).namespace, b:path_of(a:key_hash "key"))
        return not nodes.exists(nodes.place(a, b, "key"))
      end, "bad copy set aside")
      nodes.kept(a, "key")
      assert(a:store("key", content))
    end
    assert.is_truthy(c)
  end)

  -- A peer verifies no signature of what it gives its owner: he does.
  it("has a peer notice that the record of its copy has rotted", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(3)
    for _, size in ipairs { 10, 100000 } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      for _, from_end in ipairs { 30, 100 } do -- the signature, and what is signed
        local place = nodes.place(a, b, "key")
        local set_aside = nodes.events(b, "corrupt")
        nodes.flip(place, -from_end)
        nodes.drop(a, "key")
        assert.equal(content, nodes.content(a, "key"))
        nodes.kept(a, "key")
        set_aside()
        assert.is_false(nodes.exists(place))
        assert(a:replicate "key")
      end
    end
  end)

  it("heals a copy here that has rotted, and says so", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local told = nodes.events(a, "corrupt")
    for _, size in ipairs { 10, BIG } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      nodes.flip(nodes.place(a, a, "key"), 4)
      assert.equal(content, nodes.content(a, "key"))
      local what, peer = told()
      assert.same({ inside.of(a).namespace }, { what.namespace, peer })
      nodes.kept(a, "key")
      assert(a:verify "key")
    end
  end)

  it("says that peers have another version than a copy here that has rotted, and gives that at the next get", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    local place = nodes.place(a, a, "key")
    assert(os.rename(place, place .. ".old"))
    assert(a:store("key", "new"))
    assert(os.rename(place .. ".old", place)) -- as a restored backup
    nodes.flip(place, 1)
    local object <close> = assert(a:get "key")
    local content, err = object:read "a"
    assert.is_nil(content)
    assert.same({ "corrupt", "key", true }, { err.code, err.key, err.retryable })
    assert.matches("another version: get it again", err.message)
    assert.equal("new", nodes.content(a, "key"))
    assert.is_truthy(b)
  end)

  it("fails when the only copy has rotted, and hands out no wrong byte", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local content = nodes.bytes(3 * MIB)
    assert(a:store("key", content))
    nodes.flip(nodes.place(a, a, "key"), 2 * MIB)
    local object <close> = assert(a:get "key")
    assert.equal(content:sub(1, MIB), object:read(MIB))
    local rest, err = object:read "a"
    assert.is_nil(rest)
    assert.equal("corrupt", err.code)
  end)

  it("takes the newest version that a peer has", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, size in ipairs { 10, 3 * MIB } do
      local key = "key " .. size
      assert(a:store(key, nodes.bytes(size, 1)))
      for _, topic in ipairs { "store", "offer" } do
        inside.of(b).peer_list:handle(topic, function() return nil, filo.error("denied", "away") end)
      end
      assert.is_nil((a:store(key, nodes.bytes(size, 2))))
      inside.of(b).serve:start()
      assert(a:evict(key))
      assert.equal(nodes.bytes(size, 2), nodes.content(a, key))
    end
    assert.is_truthy(c)
  end)

  it("lets reading begin before the last chunk is here", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    assert(a:evict "key")
    local read, go_on = inside.of(b).peer_list.requests.handlers.read, filo.channel()
    inside.of(b).peer_list:handle("read", function(body, peer)
      if body.first > 0 then go_on:receive() end
      return read(body, peer)
    end)
    local object <close> = assert(a:get "key")
    assert.equal("peers", object.from)
    assert.equal(content:sub(1, MIB), object:read(MIB))
    assert.equal(content:sub(MIB + 11, MIB + 20), object:range(MIB + 10, 10))
    go_on:close()
    assert.equal(content:sub(MIB + 1), object:read "a")
  end)

  it("keeps a copy here, also when nobody reads what it got", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 0, 10, BIG } do
      assert(a:store("key", nodes.bytes(size)))
      assert(a:evict "key")
      assert(a:get "key"):close()
      nodes.kept(a, "key")
      local object <close> = assert(a:get "key")
      assert.equal("here", object.from)
      assert.equal(nodes.bytes(size), object:read "a")
    end
  end)

  it("shares one fetch among all who get the same at once", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(3 * MIB)
    assert(a:store("key", content))
    assert(a:evict "key")
    local seen, tasks = count_reads(b), {}
    for i = 1, 20 do tasks[i] = function() return nodes.content(a, "key") == content end end
    for _, same in ipairs(filo.all(tasks)) do assert.is_true(same) end
    assert.equal(1, seen.reads)
  end)

  it("of what does not exist answers as soon as all peers have said no", simulated(function(net, host)
    local a = net:cluster(3)
    for _, name in ipairs { "get", "stat" } do
      local began = host.now()
      local object, err = a[name](a, "nothing")
      assert.is_true(host.now() - began < host.limits.patience)
      assert.is_nil(object)
      assert.equal("not_found", err.code)
      assert.equal("nothing", err.key)
      assert.is_nil(err.retryable)
      assert.equal("'nothing' is not here, and none of 2 peers has it", tostring(err))
    end
    assert.is_false(a:has "nothing")
    local _, err = net:start("d"):get "nothing"
    assert.equal("'nothing' is not here, and no peers are connected to ask", tostring(err))
  end))

  it("says when a peer did not answer", simulated(function(net, host)
    local a, _, silent = net:cluster(3)
    inside.of(silent).peer_list:handle("find", function() host.sleep(3600) end)
    local object, err = a:get "nothing"
    assert.is_nil(object)
    assert.is_true(err.retryable)
    assert.equal("'nothing' is not here, and 1 of 2 peers gave no good answer, the others do not have it", tostring(err))
  end))

  it("does not wait for a peer that is slow to answer when another has it", simulated(function(net, host)
    local a, _, silent = net:cluster(3)
    inside.of(silent).peer_list:handle("find", function() host.sleep(3600) end)
    assert(a:store("key", "content"))
    nodes.drop(a, "key")
    local began = host.now()
    assert.equal("content", nodes.content(a, "key"))
    assert.is_true(host.now() - began < host.limits.find)
  end))

  it("gives the newest that a peer has, though an older one is here, when it is asked to", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    local place = nodes.place(a, a, "key")
    assert(os.rename(place, place .. ".old"))
    local version = assert(a:store("key", "new")).version
    assert(os.rename(place .. ".old", place)) -- as a restored backup
    local here <close> = assert(a:get "key")
    assert.same({ "old", "here", { b.id } }, { here:read "a", here.from, here.unheard })
    local newest <close> = assert(a:get("key", { newest = true }))
    assert.same({ "new", "peers", version, 0 }, { newest:read "a", newest.from, newest.version, #newest.unheard })
    nodes.kept(a, "key")
    assert.same({ "new", 0 }, { nodes.content(a, "key"), #assert(a:fetch("key", { newest = true })).unheard })
    assert(os.rename(place, place .. ".old"))
    assert(a:delete "key")
    assert(os.rename(place .. ".old", place))
    assert.matches("was deleted", refused("not_found", a:get("key", { newest = true })))
    assert.matches("was deleted", refused("not_found", a:get "key"))
    raises("get_spec.lua:%d+: get: unknown option 'newst'; did you mean 'newest'%?", function() a:get("key", { newst = true }) end)
  end)

  it("waits for a peer as long as its line takes, and says how many it did not hear", simulated(function(net, host)
    local a, _, far = net:cluster(3)
    assert(a:store("key", "old"))
    net:cut("a", "b")
    host.sleep(60)
    nodes.stored(a:store("key", "new"))
    net:mend("a", "b")
    nodes.peers(a, 2)
    nodes.drop(a, "key")
    net:machine("c").lag = 0.5
    local object <close> = assert(a:get "key")
    assert.same({ "new", 0 }, { object:read "a", #object.unheard })
    nodes.kept(a, "key")
    nodes.drop(a, "key")
    inside.of(far).peer_list:handle("find", function() host.sleep(3600) end)
    local other <close> = assert(a:get "key")
    assert.same({ "old", 1 }, { other:read "a", #other.unheard })
  end))

  it("goes on with what had come when the fetch was broken off", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    assert(a:evict "key")
    local read, asked = inside.of(b).peer_list.requests.handlers.read, {}
    local stop = true
    inside.of(b).peer_list:handle("read", function(body, peer)
      if stop and body.first > 0 then return nil, filo.error("io", "broken") end
      table.insert(asked, body.first)
      return read(body, peer)
    end)
    local rest = nodes.content(a, "key")
    assert.is_nil(rest)
    stop, asked = false, {}
    assert.equal(content, nodes.content(a, "key"))
    for _, first in ipairs(asked) do assert.is_true(first >= 16) end
  end)
end)
