local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"
local temp = require "spec.support.temp"

local SMALL, BIG = 100, (3 << 20) + 5

---What get gives with options: content, version and from; or nil, err.
local function got(node, key, given)
  local object <close>, err = node:get(key, given)
  if not object then return nil, err end
  local content, problem = object:read "a"
  return content, problem or object
end

local function version_here(node, key)
  local fields = inside.of(node).disk:stat(inside.of(node).namespace, node:path_of(node:key_hash(key)))
  return fields and fields.version
end

---Counts what peers are asked for of the topics that reading takes.
local function count_asked(node)
  local count = 0
  for _, topic in ipairs { "find", "read" } do
    local usual = inside.of(node).peer_list.requests.handlers[topic]
    inside.of(node).peer_list:handle(topic, function(...)
      count = count + 1
      return usual(...)
    end)
  end
  return function() return count end
end

---From now on a node keeps what it has.
local function freeze(node)
  return node:on("before_accept", function() return false, "no more" end)
end

-- What was written to a file was what peers have, though this node knew better: a newer version, or a deletion.
describe("fetch to a file", function()
  it("writes nothing that is older than what is here", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local a, b = net:cluster(2)
    local version = assert(a:store("key", "old")).version
    freeze(b)
    local function fetch(given)
      local file <close> = assert(io.open(folder:file "file", "w+b"))
      given.to = file
      local item, err = a:fetch("key", given)
      file:seek "set"
      return item, err, file:read "a"
    end
    assert.same({ version, "old" }, { fetch({}).version, (select(3, fetch {})) })
    assert.is_nil((a:store("key", "new")))
    for _, given in ipairs { {}, { quorum = 2 }, { newest = true } } do
      local item, err, written = fetch(given)
      assert.matches("is older than the copy here: get reads that", refused("exists", item, err))
      assert.equal("", written)
    end
    assert(a:delete "key")
    local item, err, written = fetch {}
    assert.matches("'key' was deleted", refused("not_found", item, err))
    assert.equal("", written)
  end)
end)

-- A script could not read what a certain peer has: to compare copies, or to read an older version that is there.

describe("get from one peer", function()
  it("asks that peer only, also when a copy is here", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, size in ipairs { 0, SMALL, BIG } do
      local content = nodes.bytes(size)
      local version = assert(a:store("key", content)).version
      local asked, others = count_asked(b), count_asked(c)
      for _, peer in ipairs { b.id, a:peers()[1].id == b.id and a:peers()[1] or a:peers()[2] } do
        local before = asked()
        local read, object = got(a, "key", { from = peer })
        assert.is_true(content == read)
        assert.same({ "peers", version, 1 }, { object.from, object.version, #object.unheard })
        assert.is_true(asked() >= before + (size == BIG and 2 or 1))
      end
      assert.equal(0, others())
      nodes.kept(a, "key")
      assert.equal(version, version_here(a, "key"))
    end
  end)

  it("gives the older version that is there, and leaves the newer one here", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, size in ipairs { SMALL, BIG } do
      local old = nodes.bytes(size)
      local before = assert(a:store("key", old)).version
      local remove = freeze(b)
      local _, err = a:store("key", "new")
      remove()
      local read, object = got(a, "key", { from = b.id })
      assert.is_true(old == read)
      assert.equal(before, object.version)
      nodes.kept(a, "key")
      assert.same({ "new", err.receipt.version }, { nodes.content(a, "key"), version_here(a, "key") })
      assert.equal(err.receipt.version, assert(a:fetch("key", { from = b.id })).version)
      assert.equal("new", nodes.content(a, "key"))
    end
  end)

  it("keeps a newer one, and one of which there was none here", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, size in ipairs { SMALL, BIG } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      nodes.drop(a, "key")
      assert.is_true(content == got(a, "key", { from = b.id }))
      nodes.kept(a, "key")
      assert.equal("here", a:stat("key").from)
      nodes.drop(a, "key")
      assert.equal(size, assert(a:fetch("key", { from = b.id })).size)
      assert.equal("here", a:stat("key").from)
    end
  end)

  it("writes it to a file", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local a, b = net:cluster(2)
    local old = nodes.bytes(BIG)
    assert(a:store("key", old))
    freeze(b)
    a:store("key", "new")
    local file <close> = assert(io.open(folder:file "copy", "w+b"))
    assert(a:fetch("key", { from = b.id, to = file }))
    assert.is_true(old == file:read "a" or old == folder:read "copy")
    assert.equal("new", nodes.content(a, "key"))
  end)

  it("says that it has none, that it was deleted, and that it is not there", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    freeze(c)
    a:store("key", "content")
    assert.matches(c.id:sub(1, 16) .. ".* does not have 'key'", refused("not_found", a:get("key", { from = c.id })))
    refused("not_found", a:fetch("key", { from = c.id }))
    assert(a:delete "key")
    assert.equal("'key' was deleted", refused("not_found", a:get("key", { from = b.id })))
    refused("unreachable", a:get("key", { from = ("0"):rep(64) }))
    refused("invalid", a:get("", { from = b.id }))
    local function here(text) return "^spec/node/get_from_spec.lua:%d+: " .. text end
    for _, call in ipairs { "get", "fetch" } do
      local function try(given)
        return function()
          local result = a[call](a, "key", given)
          return result
        end
      end
      raises(here(call .. ": option 'from' must be a string or table"), try { from = 5 })
      raises(here(call .. ": option 'from': a peer, or a node ID, expected"), try { from = { id = b.id } })
      raises(here(call .. ": option 'from' goes without 'newest' and 'quorum'"), try { from = b.id, newest = true })
      raises(here(call .. ": option 'from' goes without 'newest' and 'quorum'"), try { from = b.id, quorum = 2 })
      raises(here(call .. ": option 'quorum' must be 1 or more"), try { quorum = 0 })
      raises(here(call .. ": option 'quorum' must be an integer, not a string"), try { quorum = "two" })
    end
  end)

  it("gives no bad copy, and keeps none", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    for _, size in ipairs { SMALL, BIG } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      assert(a:evict "key")
      nodes.flip(nodes.place(a, b, "key"), size - 1)
      refused("corrupt", got(a, "key", { from = b.id }))
      nodes.kept(a, "key")
      assert.is_nil(version_here(a, "key"))
      assert.is_nil((a:fetch("key", { from = b.id })))
      assert.is_true(content == got(a, "key", { from = c.id }))
      nodes.kept(a, "key")
    end
  end)

  it("beside a get from all waits for it, and the other way round", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    local content = nodes.bytes(300000)
    assert(a:store("key", content))
    assert(a:evict "key")
    local of_c = count_asked(c)
    local results = filo.all {
      function() return (got(a, "key", { from = b.id })) == content end,
      function()
        host.sleep(0.05) -- b is being read
        return (nodes.content(a, "key")) == content
      end,
      function() return (got(a, "key", { from = b.id })) == content end,
    }
    assert.same({ true, true, true }, results)
    assert.equal(1, of_c()) -- it was asked what it has
  end))

  it("that fails takes no other get with it", simulated(function(net, host)
    local a, b = net:cluster(3)
    local content = nodes.bytes(300000)
    assert(a:store("key", content))
    assert(a:evict "key")
    inside.of(b).peer_list:handle("read", function() host.sleep(600) end)
    local results = filo.all {
      function() return got(a, "key", { from = b.id }) == nil end,
      function()
        host.sleep(1)
        return (nodes.content(a, "key")) == content
      end,
    }
    assert.same({ true, true }, results)
  end))
end)

-- A get could answer with an old version or a deleted object when the peers that knew better were slow: a script had no means to insist.

describe("get with a quorum", function()
  ---Five nodes: b and c have the old version, d and e the new one, a as well unless it is dropped.
  local function five(net)
    local a, b, c, d, e = net:cluster(5)
    assert(a:store("key", "old"))
    local old = { freeze(b), freeze(c) }
    local _, err = a:store("key", "new")
    for _, remove in ipairs(old) do remove() end
    return a, { b, c, d, e }, err.receipt.version
  end

  local function late(host, node, seconds)
    local find = inside.of(node).peer_list.requests.handlers.find
    inside.of(node).peer_list:handle("find", function(...)
      host.sleep(seconds)
      return find(...)
    end)
  end

  it("waits until so many have told what they have, this one among them", simulated(function(net, host)
    local a, others, version = five(net)
    nodes.drop(a, "key")
    late(host, others[3], 5)
    late(host, others[4], 5)
    assert.equal("old", got(a, "key", { newest = true }))
    nodes.kept(a, "key")
    host.sleep(10)
    nodes.drop(a, "key")
    assert.equal("old", got(a, "key", { quorum = 3 })) -- this one and two that have the old one
    host.sleep(10)
    nodes.kept(a, "key")
    for _, quorum in ipairs { 4, 5 } do
      nodes.drop(a, "key")
      local read, object = got(a, "key", { quorum = quorum })
      assert.same({ "new", version }, { read, object.version })
      host.sleep(10)
      nodes.kept(a, "key")
    end
  end))

  it("counts those that have nothing, and tombstones", simulated(function(net)
    local a, b, c = net:cluster(3)
    freeze(b)
    a:store("key", "content")
    assert.equal("content", got(a, "key", { quorum = 3 }))
    nodes.drop(a, "key")
    assert.equal("content", got(a, "key", { quorum = 3 }))
    nodes.kept(a, "key")
    assert.equal(7, assert(a:fetch("key", { quorum = 3 })).size)
    assert(a:delete "key")
    refused("not_found", a:get("key", { quorum = 3 }))
    refused("not_found", a:get("none", { quorum = 3 }))
    assert.equal(2, #a:peers())
    assert.is_true(c:has "key" == false)
  end))

  it("fails when fewer answer in time, or are there, and says how many did", simulated(function(net, host)
    local a, others = five(net)
    late(host, others[1], 100)
    late(host, others[2], 100)
    local began = host.now()
    local object, err = a:get("key", { quorum = 4 })
    assert.matches("2 of 4 peers that could be asked told what they have of 'key', and 3 must", refused("unreachable", object, err))
    assert.same({ true, "key" }, { err.retryable, err.key })
    assert.is_true(host.now() - began <= 2 * host.limits.find + 1)
    assert.equal("new", got(a, "key", { quorum = 3 }))
    began = host.now()
    local err_of_more = refused("unreachable", a:get("key", { quorum = 9 })) -- "0 of 4 that could be asked told"
    assert.equal("4 peers are connected, and 8 must tell what they have of 'key': nobody was asked", err_of_more)
    refused("unreachable", a:fetch("key", { quorum = 9 }))
    assert.is_true(host.now() - began < 1) -- there will not be so many
  end))

  -- "I cannot read it" was told as "I have none", so that an older version was given as the newest.
  it("counts no peer that cannot read what it has", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(3)
    assert(a:store("key", "old"))
    local remove = freeze(net.nodes.c)
    assert.is_nil((a:store("key", "new")))
    remove()
    assert(a:evict "key")
    local place = nodes.place(a, b, "key")
    assert(os.remove(place))
    assert(os.execute(("ln -s %s %s"):format(place:match "[^/]+$", place))) -- a link to itself
    refused("unreachable", a:get("key", { quorum = 3 }))
    local problems = ""
    for _, copy in ipairs(a:copies "key") do problems = problems .. (copy.problem or "") end
    assert.matches("could not be read", problems)
    assert.equal("old", (got(a, "key")))
  end)

  it("counts no peer that lies, and not this node when it cannot read what it has", simulated(function(net)
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    inside.of(b).peer_list:handle("find", function() return { record = ("x"):rep(300) } end)
    assert.equal("content", got(a, "key", { quorum = 2 }))
    refused("unreachable", a:get("key", { quorum = 3 }))
    local parts = inside.of(a)
    parts.names.disk = setmetatable({ stat = function() return nil, filo.error("io", "input/output error") end }, { __index = parts.disk })
    refused("unreachable", a:get("key", { quorum = 2 }))
    assert.is_true(c.id ~= nil)
  end))
end)
