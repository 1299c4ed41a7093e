local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"
local temp = require "spec.support.temp"

describe("node:replicate", function()
  it("makes copies of what is stored, at peers that were away", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local contents = { small = "content", large = nodes.bytes(3 << 20) }
    local versions = {}
    for key, content in pairs(contents) do versions[key] = assert(a:store(key, content)).version end
    local c = net:start("c", { bootstrap = { a.address } })
    nodes.peers(a, 2)
    for key, content in pairs(contents) do
      local receipt = assert(a:replicate(key))
      assert.same({ versions[key], 3, {} }, { receipt.version, #receipt.copies, receipt.refused })
      assert.equal(versions[key], a:stat(key).version)
      assert.is_true(nodes.exists(nodes.place(a, c, key)))
      net:stop "b"
      assert(a:evict(key))
      assert.is_true(content == nodes.content(a, key))
      local b = net:restart "b"
      nodes.wait(function() return #a:peers() == 2 or a:connect(b.address) end, "b")
      nodes.kept(a, key)
    end
  end)

  it("says when there are not enough, and when there is nothing to copy", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    b:on("before_accept", function() return false, "full" end)
    assert(inside.of(b).disk:remove(inside.of(a).namespace, a:path_of(a:key_hash "key"), 0))
    assert.matches("full", refused("not_enough_copies", a:replicate "key"))
    assert.matches("'none' is not here, so no copies can be made of it: fetch it first", refused("not_found", a:replicate "none"))
    refused("invalid", a:replicate "")
    assert(a:delete "key")
    refused("not_found", a:replicate "key")
  end)

  it("sends the rest where a part is already", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(40 << 20)
    local fill, cut = inside.of(b).peer_list.requests.handlers.fill, false
    inside.of(b).peer_list:handle("fill", function(body, peer)
      if not cut then
        cut = true
        b:spawn(function()
          nodes.wait(function() return peer.connection:stats().bytes_in > 8 << 20 end, "bytes")
          peer.connection:close("closed", "cut")
        end)
      end
      return fill(body, peer)
    end)
    refused("not_enough_copies", a:store("key", content))
    nodes.peers(a, 1)
    nodes.peers(b, 1)
    local first
    inside.of(b).peer_list:handle("fill", function(body, peer)
      first = body.first
      return fill(body, peer)
    end)
    assert.equal(2, #assert(a:replicate "key").copies)
    assert.is_true(first > 0)
    assert(a:evict "key")
    assert.is_true(content == nodes.content(a, "key"))
  end)

  it("copies what takes the place of the version here meanwhile", simulated(function(net)
    local a, b = net:cluster(2)
    assert(a:store("key", "first"))
    assert(inside.of(b).disk:remove(inside.of(a).namespace, a:path_of(a:key_hash "key")))
    local store, asked, newer = inside.of(b).peer_list.requests.handlers.store, 0, nil
    inside.of(b).peer_list:handle("store", function(...)
      asked = asked + 1
      if asked == 1 then newer = assert(a:store("key", "second")).version end
      return store(...)
    end)
    local receipt = assert(a:replicate "key")
    assert.same({ newer, { a.id, b.id } }, { receipt.version, receipt.copies })
    assert.is_nil(receipt.replaced)
  end))

  describe("on a root that was restored from a backup", function()
    ---A node whose root was copied when it had "old", was used on, and is restored; and its peer.
    local function restored(net, use)
      local a, b = net:cluster(2)
      assert(a:store("key", "old"))
      net:stop "a"
      assert(os.execute(("cp -a %s %s"):format(temp.quote(net.folder:file "a"), temp.quote(net.folder:file "backup"))))
      a = net:restart "a"
      nodes.peers(a, 1)
      local receipt = use(a)
      net:stop "a"
      assert(os.execute(("rm -r %s && mv %s %s"):format(temp.quote(net.folder:file "a"), temp.quote(net.folder:file "backup"),
        temp.quote(net.folder:file "a"))))
      a = net:restart "a"
      nodes.peers(a, 1)
      return a, b, receipt
    end

    it("leaves a newer version alone, and names it", function()
      local net <close> = nodes.net()
      local a, b, newer = restored(net, function(a) return assert(a:store("key", "new")) end)
      local err = refused("exists", a:replicate "key")
      assert.matches("newer version", err)
      assert.equal(newer.version, inside.of(b).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")).version)
      assert.equal("new", assert(a:get("key", { newest = true })):read "a")
    end)

    it("does not revive what was deleted", function()
      local net <close> = nodes.net()
      local a, b = restored(net, function(a) return assert(a:delete "key") end)
      local receipt, err = a:replicate "key"
      assert.is_nil(receipt)
      assert.is_true(err.code == "exists" or err.code == "not_found") -- when it has been told already
      assert.matches("was deleted", tostring(err))
      assert.is_true(inside.of(b).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")).tombstone)
    end)

    it("stores what is new above what peers have", function()
      local net <close> = nodes.net()
      local a, _, newer = restored(net, function(a) return assert(a:store("key", "new")) end)
      local receipt = assert(a:store("key", "newest"))
      assert.is_true(receipt.version > newer.version)
      assert(a:evict "key")
      assert.equal("newest", nodes.content(a, "key"))
    end)
  end)
end)
