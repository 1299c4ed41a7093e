local filo = require "filo"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

local LIFE = ("l"):rep(16)

---What a peer holds of a node's, by key.
local function held_by(node, peer)
  local found, count = {}, 0
  for copy in node:held_by(peer) do
    found[copy.key or "?"] = copy
    count = count + 1
  end
  return found, count
end

---The error that listing ends with.
local function failure(node, peer)
  local ok, err = pcall(held_by, node, peer)
  assert.is_false(ok)
  return nil, err
end

-- An owner could ask peers for one key after the other only: what else they hold of his, he had to remember.

describe("node:held_by", function()
  it("lists what a peer holds of this node's, and nothing of others'", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(b:connect(c.address))
    local version = assert(a:store("key", "content")).version
    assert(b:store("b's", "content"))
    assert(a:store("gone", "content"))
    local deleted = assert(a:delete "gone").version
    assert(a:evict "key") -- it is known there only
    for _, peer in ipairs { c.id, a:peers()[1].id == c.id and a:peers()[1] or a:peers()[2] } do
      local found, count = held_by(a, peer)
      assert.equal(2, count)
      assert.same({ key = "key", key_hash = a:key_hash "key", version = version, size = 7, tombstone = false }, found.key)
      assert.same({ true, deleted, 0 }, { found.gone.tombstone, found.gone.version, found.gone.size })
    end
    assert.equal(0, select(2, held_by(c, a.id)))
  end)

  it("lists much in several messages, once each, also while it changes, and however paths are made", simulated(function(net)
    for _, path in ipairs { {}, { depth = 0 }, function(hash) return hash:sub(1, 1) .. "/" .. hash end } do
      local a, b = net:cluster(2, nil, { b = { path = path } })
      for i = 1, 200 do assert(a:store("key " .. i, "content")) end
      local seen, count = {}, 0
      for copy in a:held_by(b.id) do
        assert.is_nil(seen[copy.key])
        seen[copy.key], count = true, count + 1
        if count % 10 == 0 and count <= 100 then
          assert(a:store("new " .. count, "content"))
          assert(a:store("key " .. count, "again"))
        end
      end
      for i = 1, 200 do assert.is_true(seen["key " .. i]) end
      net:stop "a"
      net:stop "b"
      for _, name in ipairs { "a", "b" } do net:machine(name).disk:restore {} end
    end
  end))

  it("keeps to the limits of a message where records are long", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 20 do assert(a:store("key " .. i, "content", { fields = { text = ("x"):rep(60000) } })) end
    local usual, most, messages = inside.of(b).peer_list.requests.handlers.list, 0, 0
    inside.of(b).peer_list:handle("list", function(...)
      local answer = usual(...)
      most, messages = math.max(most, #table.concat(answer.records)), messages + 1
      return answer
    end)
    assert.equal(20, select(2, held_by(a, b.id)))
    assert.is_true(most > 128 << 10 and most <= 256 << 10)
    assert.is_true(messages >= 6) -- the last one tells that there is no more; a follows b's list, too
  end)

  it("passes over what is no object there", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 3 do assert(a:store("key " .. i, "content")) end
    local file <close> = assert(io.open(nodes.place(a, b, "key 2"), "r+b"))
    file:seek("end", -1)
    assert(file:write "?")
    file:flush()
    local found, count = held_by(a, b.id)
    assert.same({ 2, true, true }, { count, found["key 1"] ~= nil, found["key 3"] ~= nil })
  end)

  it("says which peer cannot be asked, is not there, or goes", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 70 do assert(a:store("key " .. i, "content")) end
    refused("unreachable", failure(a, ("0"):rep(64)))
    raises("^spec/node/held_by_spec.lua:%d+: held_by: a peer, or a node ID, expected", function() a:held_by() end)
    local ok, err = pcall(function()
      for _ in a:held_by(b.id) do net:stop "b" end
    end)
    assert.is_false(ok)
    assert.is_true(err.retryable)
    b = net:restart "b"
    nodes.wait(function() return #a:peers() == 1 or a:connect(b.address) end, "b")
    inside.of(b).peer_list:handle("list", nil) -- as before there was that question
    local why = refused("unsupported", failure(a, b.id))
    assert.matches(b.id:sub(1, 16) .. ".* runs an older Filo, which cannot be asked what it holds", why)
  end)

  it("believes no peer that lists others' records, bad ones, too many, or the same for ever", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local parts = inside.of(a)
    local _, own = parts.disk:stat(parts.namespace, a:path_of(a:key_hash "key"))
    local others = forge(inside.of(b).keys, {}).record
    local function answer(reply)
      inside.of(b).peer_list:handle("list", function(asked)
        if reply.records == nil or asked.after == 0 then return reply end
        return { records = {}, after = asked.after, life = LIFE }
      end)
    end
    for _, case in ipairs {
      { { records = { others } }, "protocol", "somebody else's record" },
      { { records = { own:sub(1, -2) .. "?" } }, "corrupt", "listed a bad record" },
      { { records = { "short" } }, "protocol", "bad or missing field 'records'" },
      { { records = { a = own } }, "protocol", "bad or missing field 'records'" },
      { { records = table.move({ own }, 1, 1, 65, { own }) }, "protocol", "bad or missing field 'records'" },
      { {}, "protocol", "bad or missing field 'records'" },
      { { records = {}, after = "" }, "protocol", "bad or missing field 'after'" },
      { { records = {}, after = -1 }, "protocol", "bad or missing field 'after'" },
      { { records = {}, life = "short" }, "protocol", "bad or missing field 'life'" },
      { { records = { own }, after = 0 }, "protocol", "the same again and again" },
      { { records = { own }, more = true }, "protocol", "unknown field" },
    } do
      case[1].after, case[1].life = case[1].after or 1, case[1].life or LIFE
      answer(case[1])
      assert.matches(case[3], refused(case[2], failure(a, b.id)))
    end
    answer { records = { own, (forge(parts.keys, { content = "x" }).record) }, after = 2, life = LIFE }
    local found, count = held_by(a, b.id)
    assert.equal(2, count)
    assert.is_nil(found["?"].key) -- its metadata cannot be opened
  end)
end)

describe("a node that is asked what it holds", function()
  it("ends at a peer that lists nothing, and more of it, for ever", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local count = 0
    inside.of(b).peer_list:handle("list", function()
      count = count + 1
      return { records = {}, after = count, life = LIFE }
    end)
    assert.matches("lists nothing, again and again", refused("protocol", failure(a, b.id)))
  end)

  it("ends at a peer that lists the same, and more of it, for ever", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:store("other", "content"))
    local parts, count = inside.of(a), 0
    local records = {}
    for i, key in ipairs { "key", "other" } do records[i] = select(2, parts.disk:stat(parts.namespace, a:path_of(a:key_hash(key)))) end
    inside.of(b).peer_list:handle("list", function()
      count = count + 1
      assert.is_true(count < 10)
      return { records = { records[1 + count % 2] }, after = count, life = LIFE }
    end)
    assert.matches(b.id .. " lists the same object twice", refused("protocol", failure(a, b.id)))
  end)

  -- A list began at a path of the holder's, and all of it was read again each time.
  it("tells every peer what is new since it asked last", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 3 do assert(a:store("key " .. i, "content")) end
    local stranger <close> = strangers.meet(b)
    local function ask(after, life)
      return assert(stranger:ask("list", { namespace = inside.of(a).namespace, after = after, life = life }))
    end
    local first = ask(0)
    assert.equal(3, #first.records)
    assert.same({ records = {}, after = first.after, life = first.life }, ask(first.after, first.life))
    assert(a:store("key 2", "again"))
    assert(a:delete "key 3")
    local news = ask(first.after, first.life)
    local found = {}
    for i, record in ipairs(news.records) do
      local fields = inside.of(a).host.store.peek(record)
      found[i] = { fields.key_hash, fields.tombstone }
    end
    assert.same({ { a:key_hash "key 2", false }, { a:key_hash "key 3", true } }, found)
    assert.is_true(news.after > first.after)
    assert.equal(3, #ask(news.after, LIFE).records) -- that of another catalogue says nothing
    assert.same({ records = {}, after = 0, life = first.life },
      assert(stranger:ask("list", { namespace = stranger.keys:raw_id(), after = 0 })))
    for _, after in ipairs { "", "x", -1, 1.5, {} } do
      assert.equal("protocol", (stranger:refusal("list", { namespace = stranger.keys:raw_id(), after = after })))
    end
    assert.equal("protocol", (stranger:refusal("list", { namespace = "short", after = 0 })))
    assert.equal("protocol", (stranger:refusal("list", { namespace = stranger.keys:raw_id(), after = 0, life = "short" })))
  end)

  it("goes on where it was after it was closed in order, and begins anew with another catalogue", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { durability = "group" })
    for i = 1, 3 do assert(a:store("key " .. i, "content")) end
    local function ask(place)
      nodes.wait(function() return #a:peers() == 1 or a:connect(b.address) end, "b")
      local records, after = inside.of(a).inventory:page(inside.of(a).peer_list:get(b.id), place)
      return #assert(records, after), after
    end
    local count, place = ask { after = 0 }
    assert.equal(3, count)
    b = net:restart "b"
    local life = place.life
    count, place = ask(place)
    assert.same({ 0, life }, { count, place.life })
    net:stop "b"
    assert(os.remove(b.root .. "/catalogue"))
    b = net:restart "b"
    inside.of(b).catalogue:wait()
    count, place = ask(place)
    assert.equal(3, count)
    assert.not_equal(life, place.life)
  end)

  it("reads for one peer at a time", simulated(function(net)
    local a, b, c = net:cluster(3)
    assert(c:connect(net:machine("b").address))
    for i = 1, 10 do
      assert(a:store("key " .. i, "content"))
      assert(c:store("key " .. i, "content"))
    end
    local parts, at_once, most = inside.of(b), 0, 0
    parts.serve.catalogue = { feed = function(_, ...)
      at_once = at_once + 1
      most = math.max(most, at_once)
      local records, after, life = parts.catalogue:feed(...)
      at_once = at_once - 1
      return records, after, life
    end }
    local tasks = {}
    for _, each in ipairs { a, c, a, c, a } do
      tasks[#tasks + 1] = function() return (select(2, held_by(each, b.id))) end
    end
    assert.same({ 10, 10, 10, 10, 10 }, filo.all(tasks))
    assert.equal(1, most)
  end))
end)
