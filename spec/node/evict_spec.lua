local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

local BIG = 3 << 20

describe("node:evict", function()
  it("removes the copy here only", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert.is_true(a:evict "key")
    assert.is_false(nodes.exists(nodes.place(a, a, "key")))
    assert.is_true(nodes.exists(nodes.place(a, b, "key")))
    assert.equal("peers", a:stat("key").from)
    assert.equal("content", nodes.content(a, "key"))
  end)

  -- What was being read was taken for the copy to be completed, and could not be published once more.
  for kind, run in pairs {
    ["the object"] = function(test) return function() local net <close> = nodes.net() test(net) end end, ["simulated"] = simulated,
  } do
    it("lets it be fetched again while what came before is read: " .. kind, run(function(net)
      local a = net:cluster(2)
      local content = nodes.bytes(BIG)
      assert(a:store("key", content))
      assert(a:evict "key")
      local object <close> = assert(a:get "key")
      assert(a:fetch "key")
      assert(a:evict "key")
      assert.equal("peers", a:stat("key").from)
      assert(a:fetch "key")
      assert.equal("here", a:stat("key").from)
      assert.is_true(object:read "a" == content)
    end))
  end

  it("waits for a fetch of the object that is under way, and removes what it fetched", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 100, BIG } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      for _ = 1, 5 do
        assert.is_true(a:evict "key")
        assert.equal(content, nodes.content(a, "key"))
      end
    end
  end)

  it("leaves the copy here while no peer that is connected has one: it may be the last", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    local b = net:start("b", { bootstrap = { a.address } })
    nodes.peers(a, 1)
    local ok, err = a:evict "key"
    assert.is_nil(ok)
    assert.equal("not_enough_copies", err.code)
    assert.matches("no peer that is connected has a copy of 'key'", tostring(err))
    assert.equal("content", nodes.content(a, "key"))
    assert(a:replicate "key")
    assert.is_true(a:evict "key")
    assert.is_true(nodes.exists(nodes.place(a, b, "key")))
  end)

  it("waits for no more peers than for one that has a copy", function()
    local net <close> = nodes.net()
    local a, _, c = net:cluster(3)
    assert(a:store("key", "content"))
    inside.of(c).peer_list:handle("find", function() filo.sleep(600) end)
    assert.is_true(filo.timeout(10, a.evict, a, "key"))
  end)

  it("says that there is nothing to evict", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local ok, err = a:evict "never stored"
    assert.is_nil(ok)
    assert.equal("not_found", err.code)
    assert.matches("never stored", tostring(err))
    assert(a:store("key", "content"))
    assert(a:delete "key")
    ok, err = a:evict "key"
    assert.is_nil(ok)
    assert.equal("not_found", err.code)
    assert.matches("'key' was deleted", tostring(err))
  end)
end)

-- The last good copy went, when the other was rotten: that a peer merely had one was enough.
describe("node:evict", function()
  local function is_kept(a, pattern)
    local ok, err = a:evict "key"
    assert.is_nil(ok)
    assert.equal("not_enough_copies", err.code)
    assert.matches(pattern, tostring(err))
    assert.equal("here", a:stat("key").from)
  end

  it("keeps an older copy here than that of the peer, whose bytes it has nothing to compare with", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", "old"))
    local place = nodes.place(a, a, "key")
    local kept = net.folder:file "old"
    assert(os.execute(("cp %s %s"):format(place, kept)))
    assert(a:store("key", "new"))
    assert(os.execute(("cp --remove-destination %s %s"):format(kept, place)))
    is_kept(a, "it says that it has a newer version, .*: get that first")
    assert.equal("new", assert(a:get("key", { newest = true })):read "a")
    nodes.kept(a, "key")
    assert.is_true(a:evict "key")
  end)

  it("keeps the copy here when that of the only peer is rotten, which is set aside there", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, size in ipairs { 100000, 20 << 20 } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      nodes.flip(nodes.place(a, b, "key"), size - 1)
      local next_bad = nodes.events(a, "corrupt")
      is_kept(a, "no peer that is connected has proved that it has a good copy of 'key'.*%(at node " .. b.id:sub(1, 16))
      local bad, peer = next_bad()
      assert.same({ a:key_hash "key", b.id }, { bad.key_hash, peer.id })
      assert.is_false(nodes.exists(nodes.place(a, b, "key")))
      assert.is_true(content == nodes.content(a, "key"))
      is_kept(a, "no peer that is connected has a copy of 'key'")
    end
  end)

  -- That a peer said so was enough, whether it had the bytes or not.
  it("keeps the copy here when the peer says that its own is good, and has not got the bytes", simulated(function(net, host)
    local a, b = net:cluster(2)
    assert(a:store("key", nodes.bytes(40000)))
    local prove, hash = inside.of(b).peer_list.requests.handlers.prove, nil
    for _, answer in ipairs {
      function() return { hash = host.random(32) } end,
      function() return { hash = hash } end, -- of the time before
    } do
      inside.of(b).peer_list:handle("prove", function(body, peer)
        hash = hash or prove(body, peer).hash
        return answer()
      end)
      local next_bad = nodes.events(a, "corrupt")
      is_kept(a, "at node " .. b.id:sub(1, 16) .. ": it says that its copy is good, and does not have the bytes of it")
      assert.equal(b.id, select(2, next_bad()).id)
    end
    inside.of(b).peer_list:handle("prove", prove)
    assert.is_true(a:evict "key")
  end))

  it("goes on to the next peer when one has a rotten copy", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    local content = nodes.bytes(BIG)
    for _, rotten in ipairs { b, c } do
      assert(a:store("key", content))
      nodes.flip(nodes.place(a, rotten, "key"), 4)
      assert.is_true(a:evict "key")
      assert.is_true(content == nodes.content(a, "key"))
    end
  end)

  it("keeps the copy here when the peer cannot be asked to check its own", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    inside.of(b).peer_list:handle("prove", nil) -- as before there was that question
    is_kept(a, "it runs an older Filo, which cannot be asked to check its copy")
  end)

  it("relies on no other version than the one that was checked", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local prove = inside.of(b).peer_list.requests.handlers.prove
    inside.of(b).peer_list:handle("prove", function(body, peer)
      assert(os.remove(nodes.place(a, b, "key")))
      return prove(body, peer)
    end)
    is_kept(a, "that version is not here")
  end)

  it("shows the check while it goes on", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", nodes.bytes(17 << 20)))
    local prove, seen = inside.of(b).peer_list.requests.handlers.prove, {}
    inside.of(b).peer_list:handle("prove", function(body, peer)
      local now = a:activity()[1]
      table.insert(seen, { now.what, now.key, now.peer, now.bytes, now.size, body.first })
      return prove(body, peer)
    end)
    assert.is_true(a:evict "key")
    assert.same({ { "check", "key", b.id, 0, 17 << 20, 0 }, { "check", "key", b.id, 16 << 20, 17 << 20, 16 } }, seen)
    assert.same({}, a:activity())
  end)

  it("goes on to the next peer when one takes too long for a part", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    for _, silent in ipairs { b, c } do
      local prove = inside.of(silent).peer_list.requests.handlers.prove
      inside.of(silent).peer_list:handle("prove", function() host.sleep(600) end)
      local began = host.now()
      assert.is_true(a:evict "key")
      assert.is_true(host.now() - began < 2 * host.limits.prove)
      inside.of(silent).peer_list:handle("prove", prove)
      assert(a:fetch "key")
    end
  end))
end)
