---Namespaces: what a node was given of other people's objects, and what it can do with them.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local inside = require "filo.base.inside"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local strangers = require "spec.support.stranger"

---All of an object's content in a namespace.
local function content(namespace, key)
  local object <close>, err = namespace:get(key)
  if not object then return nil, err end
  return object:read "a"
end

local function keys_of(namespace)
  local list = {}
  for item in namespace:list() do list[#list + 1] = item.key end
  table.sort(list)
  return list
end

describe("a namespace", function()
  it("is a node's own, apart from its ID, and the same after a restart", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local own = a:namespace()
    assert.same({ "own", "write", 64 }, { own.name, own.access, #own.id })
    assert.not_equal(a.id, own.id)
    assert.equal(own, a:namespace "own")
    assert.same({ own }, a:namespaces())
    local id = own.id
    assert(own:store("key", "content"))
    assert.equal("content", content(a, "key"))
    assert.equal("content", content(own, "key"))
    assert.equal(id, net:restart("a"):namespace().id)
  end)

  it("is read by who was given one object of it, in its later versions, too, and nothing else", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:store("other", "content"))
    local anna = assert(b:accept(a:share "key", "anna"))
    assert.same({ "anna", a:namespace().id, "read-one" }, { anna.name, anna.id, anna.access })
    assert.equal("content", content(anna, "key"))
    assert.same({ "key" }, keys_of(anna))
    assert.equal(7, anna:stat("key").size)
    assert.is_nil(b:stat "key")
    for _, call in ipairs { "get", "stat", "verify", "replicate", "share" } do
      assert.matches("'?other'? cannot be read: .*ask its owner to share it", refused("denied", anna[call](anna, "other")))
    end
    assert(a:store("key", "a later version"))
    assert.equal("a later version", content(anna, "key"))
  end)

  it("is not given away by single objects where the node's script makes what stands for keys", function()
    local net <close> = nodes.net()
    local a = net:start("a", { hash_key = function(key) return crypto.digest("sha256", "mine" .. key) end })
    assert.matches("what stands for 'key' at peers is known here only", refused("unsupported", a:share "key"))
    assert.is_string(a:share())
  end)

  it("is listed and read by who was given all of it, and written by who was given that", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local anna = assert(b:accept(a:share(), "anna"))
    assert(a:store("later", nodes.bytes(3 << 20)))
    assert.same({ "key", "later" }, keys_of(anna))
    assert.equal(nodes.bytes(3 << 20), content(anna, "later"))
    assert.matches("can be read here, not written", refused("denied", anna:store("mine", "x")))
    assert.matches("can be read here, not written", refused("denied", anna:delete "key"))
    assert.equal("content", content(a, "key"))
    refused("denied", anna:share(nil, { write = true }))
    assert.equal(a:share "key", anna:share "key")

    local writer = assert(b:accept(a:share(nil, { write = true })))
    assert.same({ "anna", "write" }, { writer.name, writer.access })
    assert.same({ writer }, { b:namespace "anna" })
    assert(writer:store("mine", "of b"))
    assert.equal("of b", content(writer, "mine"))
    assert.is_nil(b:stat "mine")
  end)

  it("stays on the key ring, in files of the node's user alone", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert(b:accept(a:share "key", "anna"))
    assert(b:accept(a:share(), "anna"))
    assert(b:accept(a:share(), "anna")) -- once more changes nothing
    local folder = b.root .. "/namespaces"
    assert.equal("rwx------", lfs.attributes(folder, "permissions"))
    local count = 0
    for name in lfs.dir(folder .. "/anna") do
      if name:sub(1, 1) ~= "." then
        count = count + 1
        assert.equal("rw-------", lfs.attributes(folder .. "/anna/" .. name, "permissions"))
      end
    end
    assert.equal(2, count)
    b = net:restart "b"
    assert.same({ "own", "anna" }, { b:namespaces()[1].name, b:namespaces()[2].name })
    assert.equal("content", content(b:namespace "anna", "key"))
  end)

  it("called main is the one that the node's calls are about, from the next start on", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(b:store("key", "of b's own"))
    assert(a:store("key", "content"))
    assert(b:accept(a:share(nil, { write = true }), "main"))
    b = net:restart "b"
    assert.same({ "main", a:namespace().id }, { b:namespace().name, b:namespace().id })
    assert.equal("content", content(b, "key"))
    assert.equal("of b's own", content(b:namespace "own", "key"))
  end)

  it("that was not finished being accepted is none", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    net:stop "a"
    assert(os.execute(("mkdir -m 700 -p '%s/namespaces/main'"):format(a.root)))
    assert.equal("own", net:start("a", {}):namespace().name)
  end)

  it("whose keys cannot be read is left out, with an error in the log; main keeps the node from starting", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(b:accept(a:share(), "anna"))
    assert(b:accept(a:share(), "anna"))
    net:stop "b"
    assert(os.execute(("chmod 644 '%s'/namespaces/anna/*"):format(b.root)))
    b = net:start("b", {})
    assert.matches("no namespace 'anna' here; there are: own", refused("not_found", b:namespace "anna"))
    assert.is_truthy(net:logged "^b error: the keys to the namespace 'anna' cannot be read.*chmod 600")
    net:stop "b"
    assert(os.rename(b.root .. "/namespaces/anna", b.root .. "/namespaces/main"))
    local node, err = filo.node { root = b.root, log = function() end }
    assert.is_nil(node)
    assert.matches("the node's namespace 'main' cannot be used: .*chmod 600", tostring(err))
  end)
end)

describe("an object that is not found", function()
  it("may be of those whose copies are kept here, which is told", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    nodes.peers(b, 1)
    assert(a:store("key", "content"))
    local id = a:namespace().id:sub(1, 16)
    local why = refused("not_found", b:get "key")
    assert.matches("; this node keeps objects of " .. id .. ", which are read with a key of theirs: ", why, 1, true)
    assert.is_nil(refused("not_found", a:get "another"):find "keeps objects")
    assert(b:accept(a:share(), "anna"))
    assert.is_nil(refused("not_found", b:get "key"):find "keeps objects")
    assert.is_nil(refused("not_found", b:namespace("anna"):get "another"):find "keeps objects")
    assert(c:has "key" == false)
  end)
end)

describe("accepting", function()
  it("refuses what is none, is its own, or has a name that is taken", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local c = net:start "c"
    refused("invalid", b:accept "nothing of the kind")
    refused("corrupt", b:accept(a:share():sub(1, -2)))
    refused("unsupported", b:accept "filo-append.AAAA")
    assert.matches("own namespace", refused("exists", b:accept(b:share())))
    refused("invalid", b:accept(inside.of(a).keys:grant "keep"))
    for _, name in ipairs { "own", "", "a/b", "..", ".x", "-x", ("x"):rep(65), "a b" } do refused("invalid", b:accept(a:share(), name)) end
    assert(b:accept(a:share(), "anna"))
    assert.matches("as 'anna'", refused("exists", b:accept(a:share(), "another")))
    assert.matches("another namespace is called 'anna'", refused("exists", b:accept(c:share(), "anna")))
    assert.equal(c:namespace().id:sub(1, 8), assert(b:accept(c:share())).name)
    for _, wrong in ipairs { 5, {}, false } do assert.error_matches(function() b:accept(wrong) end, "capability expected") end
    assert.error_matches(function() a:share("key", { write = true }) end, "leave out the key")
  end)
end)

describe("a node", function()
  it("has as many namespaces as it is given, also after a restart", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for i = 1, 120 do assert(a:accept(assert(crypto.identity_generate()):namespace():grant("read", 0), "given" .. i)) end
    a = net:restart "a"
    assert.equal(121, #a:namespaces())
    assert.same({}, keys_of(a:namespace "given120"))
  end)
end)

describe("a peer", function()
  it("is told at once of a namespace that a node has come to write, and believes no false claim", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local raw = inside.of(a).namespace
    assert(b:accept(a:share(nil, { write = true }), "anna"))
    nodes.wait(function() return inside.of(a).peer_list:get(b.id).namespaces[raw] end, "claim")
    b = net:restart "b"
    nodes.peers(a, 1)
    assert.equal(0, inside.of(a).peer_list:get(b.id).namespaces[raw])

    for i = 1, 20 do -- more than the welcome has
      local other = assert(crypto.identity_generate()):namespace()
      assert(b:accept(other:grant("write", 0), "more" .. i))
    end
    b = net:restart "b"
    nodes.wait(function()
      local peer, count = inside.of(a).peer_list:get(b.id), 0
      for _ in pairs(peer and peer.namespaces or {}) do count = count + 1 end
      return count == 22
    end, "claims of all")

    local stranger <close> = strangers.meet(a)
    local claim, claims = stranger:claim(), {}
    for _, wrong in ipairs {
      { namespace = raw, generation = 0, signature = claim.signature },
      { namespace = claim.namespace, generation = 0,
        signature = stranger.keys:sign("filo claim v2 listener" .. stranger.line:binding() .. "\0\0\0\0") },
      { namespace = claim.namespace, generation = 1, signature = claim.signature },
      { namespace = claim.namespace, generation = 0,
        signature = stranger.identity:sign("filo claim v2 dialler" .. stranger.line:binding() .. "\0\0\0\0") },
    } do
      assert.equal("protocol", (stranger:refusal("claim", { claims = { wrong } })))
    end
    assert.same({}, assert(stranger:ask("claim", { claims = { claim } })))
    for _ = 1, 64 do -- the last is one too many, since there is one by now
      local some = {}
      for i = 1, 16 do some[i] = stranger:claim(assert(crypto.identity_generate()):namespace()) end
      claims[#claims + 1] = some
    end
    for i = 1, 63 do assert.same({}, assert(stranger:ask("claim", { claims = claims[i] }))) end
    assert.equal("too_large", (stranger:refusal("claim", { claims = claims[64] })))
    table.remove(claims[64])
    assert.same({}, assert(stranger:ask("claim", { claims = claims[64] })))
    local dropped = { namespace = raw, key_hash = ("h"):rep(32), version = 1 }
    assert.equal("denied", (stranger:refusal("drop", dropped)))
    local liar <close> = strangers.call(a)
    liar.welcome = function() return { welcome = { claims = { { namespace = raw, signature = claim.signature } } } } end
    assert.is_true(not pcall(liar.greet, liar) or liar:farewell() == "protocol")
    assert.is_truthy(crypto)
  end)
end)

-- What was told over a connection that gave way to another was lost, and so was what came up while the other was greeted.
describe("a namespace that is accepted while nodes connect", function()
  it("is claimed over the connection that stays", function()
    for _ = 1, 10 do
      local net <close> = nodes.net()
      local a, b = net:start "a", net:start "b"
      local line = assert(a:share(nil, { write = true }))
      filo.all {
        function() return a:connect(b.address) or true end, function() return b:connect(a.address) or true end,
        function()
          nodes.wait(function() return b:peers()[1] end, "peer")
          return assert(b:accept(line, "family"))
        end,
      }
      nodes.wait(function()
        local peer = inside.of(a).peer_list:get(b.id)
        return peer and peer.namespaces[inside.of(a).namespace]
      end, "claim")
    end
  end)
end)

---Two nodes that write one namespace, which a third keeps.
local function writers(net)
  local a, b, c = net:cluster(3)
  nodes.peers(b, 1)
  assert(b:connect(c.address))
  assert(b:accept(a:share(nil, { write = true }), "family"))
  for _, each in ipairs { a, c } do
    nodes.wait(function() return inside.of(each).peer_list:get(b.id).namespaces[inside.of(a).namespace] end, "claim")
  end
  return a, b, c, b:namespace "family"
end

---Until what is written next is later than a version, whoever writes it.
local function pass(node, version)
  nodes.wait(function() return inside.of(node).host.time() // 1024 > version // 1024 end, "later time")
end

describe("a namespace with two writers", function()
  it("is the same to both: what one writes or deletes, the other reads, changes and misses", function()
    local net <close> = nodes.net()
    local a, b, c, family = writers(net)
    for _, size in ipairs { 10, 3 << 20 } do
      local first, second = nodes.bytes(size), nodes.bytes(size, 2)
      assert(a:store("key", first))
      assert.equal(first, content(family, "key"))
      local receipt = assert(family:store("key", second))
      assert.same({ b.id, a.id, c.id, n = nil }, { receipt.copies[1], table.unpack((function()
        local rest = { receipt.copies[2], receipt.copies[3] }
        table.sort(rest, function(x) return x == a.id end)
        return rest
      end)()) })
      assert.equal(second, content(a, "key"))
      assert.is_true(receipt.version > assert(a:stat "key").version - 1)
      assert(a:delete "key")
      assert.matches("was deleted", refused("not_found", family:get "key"))
      assert(family:store("key", first))
      assert.equal(first, content(a, "key"))
    end
    for _, each in ipairs { a, family } do assert.same({ "key" }, keys_of(each)) end
  end)

  it("passes a deletion on to who is not connected to the one who made it", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local b, c = net:start("b", { bootstrap = { a.address } }), net:start("c", { bootstrap = { a.address } })
    nodes.peers(a, 2)
    assert(b:accept(a:share(nil, { write = true }), "family"))
    nodes.wait(function() return inside.of(a).peer_list:get(b.id).namespaces[inside.of(a).namespace] end, "claim")
    assert(a:store("key", "content"))
    local path = a:path_of(a:key_hash "key")
    assert.is_false(inside.of(c).disk:stat(inside.of(a).namespace, path).tombstone)
    assert(b:namespace("family"):delete "key")
    nodes.wait(function() return inside.of(c).disk:stat(inside.of(a).namespace, path).tombstone end, "deletion")
  end)

  it("lets one write over what it has not got here, without a conflict", function()
    local net <close> = nodes.net()
    local a, b, _, family = writers(net)
    assert(a:store("key", "first"))
    assert(inside.of(b).disk:remove(inside.of(a).namespace, a:path_of(a:key_hash "key"), 0))
    assert(family:store("key", "second"))
    assert.equal("second", content(a, "key"))
    for _, each in ipairs { a, family } do assert.same({ "key" }, keys_of(each)) end
  end)

  ---Where the owner hears of the other writer through the third node only.
  local function apart(net, meet)
    local c = net:start "c"
    local a = net:start("a", { bootstrap = { c.address } })
    local b = net:start("b", { bootstrap = { c.address } })
    nodes.peers(c, 2)
    if meet then
      assert(a:connect(b.address))
      assert(b:accept(a:share(nil, { write = true }), "family"))
      nodes.wait(function() return inside.of(a).peer_list:get(b.id).namespaces[inside.of(a).namespace] end, "claim")
      os.remove(a.root .. "/namespaces/own-has-other-writers")
    else
      assert(b:accept(a:share(nil, { write = true }), "family"))
    end
    b = net:restart "b"
    nodes.peers(c, 2)
    if meet then
      assert(a:connect(b.address))
      net:stop "b"
      nodes.peers(a, 1)
    end
    a = net:restart("a", { listen = nodes.NONE }) -- neither can dial the other
    b = net:restart("b", { listen = nodes.NONE })
    for _, each in ipairs { a, b } do nodes.peers(each, 1) end
    nodes.peers(c, 2)
    return a, c, b:namespace "family"
  end

  it("asks for what another may have written since one was given that, or was seen, whoever is connected", function()
    for _, meet in ipairs { false, true } do
      local net <close> = nodes.net()
      local a, c, family = apart(net, meet)
      nodes.stored(family:store("key", "of the other"))
      nodes.stored(a:store("key", "of the owner, who knew of that"))
      local object <close> = assert(family:get("key", { newest = true }))
      assert.equal("of the owner, who knew of that", object:read "a")
      assert.same({ "key" }, keys_of(family))
      assert.is_not_nil(c)
    end
  end)

  it("keeps the one that lost when both write at once, and tells", function()
    local net <close> = nodes.net()
    local a, b, c, family = writers(net)
    assert(a:store("key", "first"))
    local next_at_a, next_at_b = nodes.events(a, "conflict"), nodes.events(b, "conflict")
    -- Neither learns of the other's in time: each places its own at the third node only, and asks nobody.
    local parts = inside.of(family)
    parts.storing.elsewhere, inside.of(a).storing.elsewhere = function() end, function() end
    pass(a, assert(a:store("key", "of a", { to = c.id, etag = "of-a" })).version)
    local later = assert(family:store("key", "of b", { to = c.id, etag = "of-b" }))
    assert.equal("of b", content(family, "key"))
    assert.equal("of a", content(a, "key"))
    assert(family:replicate "key")
    local told = assert(next_at_a())
    assert.equal(#told.key + #" (conflict 01234567 2026-11-29 07:20:01)", #told.kept)
    assert.same({ "key", later.version }, { told.key, told.version })
    assert.matches("^key %(conflict " .. a.id:sub(1, 8) .. " %d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d%)$", told.kept)
    for _, each in ipairs { a, family } do
      assert.equal("of b", content(each, "key"))
      nodes.wait(function() return content(each, told.kept) == "of a" end, "conflict copy")
      assert.same({ "of-a", "of-b" }, { each:stat(told.kept).etag, each:stat("key").etag })
    end
    assert.is_function(next_at_b)
  end)

  it("keeps what is here when what was written meanwhile is read, or was deleted elsewhere", function()
    local net <close> = nodes.net()
    local a, b, c, family = writers(net)
    local next_at_b = nodes.events(b, "conflict")
    local parts = inside.of(family)
    parts.storing.elsewhere, inside.of(a).storing.elsewhere = function() end, function() end
    parts.deleting.elsewhere, inside.of(a).deleting.elsewhere = function() end, function() end
    for _, key in ipairs { "read", "fetched", "deleted" } do assert(family:store(key, "of b", { to = c.id })) end
    for _, key in ipairs { "read", "fetched", "deleted" } do
      assert(inside.of(c).disk:remove(inside.of(a).namespace, a:path_of(a:key_hash(key)), 0))
      assert(a:store(key, "of a", { to = c.id }))
    end
    assert(inside.of(c).disk:remove(inside.of(a).namespace, a:path_of(a:key_hash "deleted"), 0))
    local read <close> = assert(family:get("read", { newest = true }))
    assert.equal("of a", read:read "a")
    assert.equal("of b", content(family, assert(next_at_b()).kept))
    assert(family:fetch("fetched", { newest = true }))
    assert.equal("of b", content(family, assert(next_at_b()).kept))
    assert(a:delete "deleted")
    assert.equal("of b", content(family, assert(next_at_b()).kept))
  end)

  -- Who is asked may be silent, and all else that was to be done with the key waited as long.
  it("asks nobody while it keeps the one that lost", function()
    local net <close> = nodes.net()
    local a, _, _, family = writers(net)
    local next_at_a = nodes.events(a, "conflict")
    inside.of(family).storing.elsewhere = function() end
    pass(a, assert(a:store("key", "of a", { to = {} })).version)
    local silent <close> = strangers.call(a)
    local asked = 0
    silent:on("find", function() asked = asked + 1 end)
    silent:greet()
    nodes.peer(a, silent.id)
    assert(family:store("key", "of b", { to = a.id }))
    local told = assert(next_at_a())
    assert.same({ "key", 0 }, { told.key, asked })
    assert.same({ "of a", "of b" }, { content(a, told.kept), content(a, "key") })
  end)

  it("takes an edit of an old version for one, though the newest was heard of", function()
    local net <close> = nodes.net()
    local a, _, c, family = writers(net)
    assert(family:store("key", "first"))
    inside.of(a).storing.elsewhere = function() end
    pass(a, assert(a:store("key", "an edit of a's", { to = c.id })).version)
    assert(family:store("key", "an edit of b's"))
    local kept
    nodes.wait(function()
      for _, key in ipairs(keys_of(a)) do
        if key:find("conflict", 1, true) then kept = key end
      end
      return kept
    end, "conflict copy")
    assert.equal("an edit of a's", content(a, kept))
    assert.equal("an edit of b's", content(a, "key"))
  end)

  it("goes on when a writer makes metadata of nonsense, or versions of another time", function()
    local net <close> = nodes.net()
    local a, _, _, family = writers(net)
    local names = inside.of(family).names
    local write = names.write
    for i, nonsense in ipairs { { by = 7 }, { seen = "x" }, { seen = { true } }, { by = {}, seen = { [1] = 1 } } } do
      function names.write(self, name, meta, how, publish)
        return write(self, name, meta, how, function(version)
          for field, value in pairs(nonsense) do meta[field] = value end
          version.meta = self.host.encode(meta)
          return publish(version)
        end)
      end
      family:store("key " .. i, "content")
      names.write = nil
      assert(a:store("key " .. i, "good"))
      assert.equal("good", content(a, "key " .. i))
    end
    local versions = inside.of(family).versions
    function versions.after() return math.maxinteger end
    assert(family:store("last", "x"))
    versions.after = nil
    assert.equal("invalid", select(2, a:store("last", "y")).code)
    local receipt = assert(a:store("another", "y"))
    assert.is_true(receipt.version < runtime.time() + 2 * 86400 * 1000000)
    assert(a:store("another", "z"))
  end)

  it("keeps the one that lost although its key is as long as one may be", function()
    local net <close> = nodes.net()
    local a, _, c, family = writers(net)
    local key = ("k"):rep(4096)
    local next_at_a = nodes.events(a, "conflict")
    inside.of(family).storing.elsewhere = function() end
    assert(a:store(key, "of a", { to = c.id }))
    assert(family:store(key, "of b"))
    local told = assert(next_at_a())
    assert.equal(4096, #told.kept)
    nodes.wait(function() return content(a, told.kept) == "of a" end, "conflict copy")
    assert.equal("of b", content(a, key))
  end)

  it("keeps what was written by a clock that is behind, under another key, and says so", function()
    local net <close> = nodes.net()
    local a, _, c, family = writers(net)
    local parts = inside.of(family)
    parts.storing.elsewhere = function() end
    local year = 365 * 86400 * 1000000
    parts.versions.host = setmetatable({ time = function() return inside.of(a).host.time() - year end }, { __index = parts.host })
    assert(a:store("key", "of a", { to = c.id }))
    local why = refused("exists", family:store("key", "of b"))
    assert.matches("'key' was written at another node at the same time: what was stored here is kept as 'key %(conflict ", why)
    local kept = why:match "kept as '(.*)'$"
    for _, each in ipairs { a, family } do
      assert.equal("of a", content(each, "key"))
      nodes.wait(function() return content(each, kept) == "of b" end, "conflict copy")
    end
  end)

  it("takes no version of it from who has not proved to write it", function()
    local net <close> = nodes.net()
    local a, _, c = writers(net)
    assert(a:store("key", "content"))
    local copy
    for each in c:held(a:namespace().id) do copy = each end
    assert.matches("writes that namespace itself", refused("denied", c:pass(copy, a.id)))
  end)
end)
