-- Deletions are forgotten once all members have acknowledged them, and no old copy ever counts again.

local filo = require "filo"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local signed = require "filo.peers.signed"
local simulated = require "spec.support.simulated"
local temp = require "spec.support.temp"

local MINUTE, HOUR, DAY = 60, 3600, 86400

---What lies at a node of an object of another's namespace.
local function fields_at(owner, node, key)
  return (inside.of(node).disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash(key))))
end

local function horizons_of(node) return inside.of(node).horizons end

local function known_at(owner, node) return horizons_of(node):known(inside.of(owner).namespace) end

local function is_in_doubt(owner, node) return horizons_of(node):is_in_doubt(inside.of(owner).namespace) end

---So long that a horizon was made of what was deleted until now, if that could be.
local function let_forget(host) host.sleep(2 * DAY + 2 * HOUR) end

local function count_deletions(owner, node)
  local count = 0
  for _ in inside.of(node).catalogue:tombstones(inside.of(owner).namespace) do count = count + 1 end
  return count
end

---Nobody has anything of it, and its owner says that it is not there.
local function check_gone(owner, key, list)
  for _, node in ipairs(list) do assert.is_nil(fields_at(owner, node, key)) end
  local object, err = owner:get(key, { newest = true })
  assert.is_nil(object)
  assert.equal("not_found", err.code)
  for item in owner:keys() do assert.not_equal(key, item.key) end
end

describe("a deletion", function()
  it("is forgotten once all members have acknowledged it", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    for i = 1, 5 do assert(a:store("key" .. i, "content")) end
    for i = 1, 4 do assert(a:delete("key" .. i)) end
    host.sleep(HOUR)
    for _, node in ipairs { a, b, c } do assert.equal(4, count_deletions(a, node)) end
    let_forget(host)
    for i = 1, 4 do check_gone(a, "key" .. i, { a, b, c }) end
    for _, node in ipairs { a, b, c } do
      assert.is_true(known_at(a, node) > 0)
      assert.is_false(is_in_doubt(a, node))
      assert.equal(0, count_deletions(a, node))
      assert.is_false(fields_at(a, node, "key5").tombstone)
    end
    assert.equal("content", nodes.content(a, "key5"))
  end))

  it("is forgotten by a node that has no members, too", simulated(function(net, host)
    local a = net:start "a"
    nodes.stored(a:store("key", "content"))
    assert(a:delete "key")
    let_forget(host)
    check_gone(a, "key", { a })
  end))

  it("stays while a member is away", simulated(function(net, host)
    local a, b = net:cluster(3)
    assert(a:store("key", "content"))
    net:stop "c"
    nodes.peers(a, 1)
    assert(a:delete "key")
    let_forget(host)
    assert.equal(0, known_at(a, a))
    for _, node in ipairs { a, b } do assert.is_true(fields_at(a, node, "key").tombstone) end
    local c = net:restart "c"
    let_forget(host)
    check_gone(a, "key", { a, b, c })
  end))

  it("stays while a member keeps its copy, as its policy wants", simulated(function(net, host)
    local keeps = { name = "an archive", accept = function(offer) return not offer.tombstone, "an archive" end }
    local a, b = net:cluster(2, nil, { b = { policy = keeps } })
    assert(a:store("key", "content"))
    assert(a:delete "key")
    let_forget(host)
    assert.equal(0, known_at(a, a))
    assert.is_true(fields_at(a, a, "key").tombstone)
    assert.is_false(fields_at(a, b, "key").tombstone)
  end))

  it("that only a member has is told to the others first", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    for _, key in ipairs { "key", "other" } do assert(a:store(key, "content")) end
    net:cut("a", "c")
    host.sleep(MINUTE)
    local file = net:machine("a").disk:file(inside.of(a).namespace, a:path_of(a:key_hash "key"))
    assert(a:delete "key")
    assert(a:delete "other")
    net:machine("a").disk:publish(inside.of(a).namespace, a:path_of(a:key_hash "key"), file) -- it has lost that
    for _, each in ipairs { "store", "offer" } do -- so nobody else tells
      local handler = inside.of(c).peer_list.requests.handlers[each]
      inside.of(c).peer_list:handle(each, function(body, peer)
        if peer.id ~= a.id then return nil, require("filo.base.errors").new("denied", "not from you") end
        return handler(body, peer)
      end)
    end
    net:mend("a", "c")
    nodes.peers(a, 2)
    let_forget(host)
    check_gone(a, "key", { a, b, c })
  end))
end)

---Three nodes; the third is away for good while what it has is deleted and that is forgotten.
local function with_one_left_behind(net, host)
  local a, b, c = net:cluster(3)
  for _, key in ipairs { "key", "kept" } do assert(a:store(key, "content")) end
  net:stop "c"
  nodes.peers(a, 1)
  assert(a:forget(c.id))
  assert(a:delete "key")
  let_forget(host)
  check_gone(a, "key", { a, b })
  return a, b, c
end

describe("a member that was away while deletions were forgotten", function()
  it("is in doubt when it is let in again, and its copy does not come back", simulated(function(net, host)
    local a, b, c = with_one_left_behind(net, host)
    assert(a:forget(c.id, { undo = true }))
    c = net:restart "c"
    nodes.peer(a, c.id)
    host.sleep(10 * MINUTE)
    check_gone(a, "key", { a, b, c })
    assert.is_false(is_in_doubt(a, c))
    assert.is_false(fields_at(a, c, "kept").tombstone)
    assert.equal(1, net:logged "^c warning: 1 old copy of %x+ went into the trash")
    let_forget(host)
    check_gone(a, "key", { a, b, c })
  end))

  it("can bring it back from its trash for nobody", simulated(function(net, host)
    local a, b, c = with_one_left_behind(net, host)
    assert(a:forget(c.id, { undo = true }))
    c = net:restart "c"
    nodes.peer(a, c.id)
    host.sleep(10 * MINUTE)
    local found
    for copy in c:trash() do found = copy end
    local ok, err = c:undelete(found)
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    host.sleep(HOUR)
    check_gone(a, "key", { a, b, c })
  end))

  it("can be brought back by who writes it, as a new version", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    local backup = net:machine("a").disk:backup()
    assert(a:delete "key")
    let_forget(host)
    net:machine("a"):crash(false)
    net:machine("a").disk:restore(backup)
    a = net:restart "a"
    host.sleep(10 * MINUTE)
    check_gone(a, "key", { a, b, c })
    local receipt = assert(a:undelete "key")
    assert.is_true(receipt.version > known_at(a, a))
    assert.equal(3, #receipt.copies)
    assert.equal("content", nodes.content(a, "key"))
  end))

  it("stays in doubt while one who may know is not there, and gives nothing away meanwhile", simulated(function(net, host)
    local a, b, c = with_one_left_behind(net, host)
    assert(a:forget(c.id, { undo = true }))
    net:cut("b", "c")
    c = net:restart "c"
    nodes.peer(a, c.id)
    host.sleep(10 * MINUTE)
    assert.is_true(is_in_doubt(a, c))
    assert.is_false(fields_at(a, c, "key").tombstone)
    assert.same({ { namespace = a:namespace().id, objects = 1, horizon = known_at(a, a) // 1000000 } }, inside.of(c).doubt:status())
    local object, err = a:get "key"
    assert.is_nil(object)
    assert.equal("not_found", err.code)
    assert.is_nil(fields_at(a, a, "key"))
    net:mend("b", "c")
    host.sleep(10 * MINUTE)
    check_gone(a, "key", { a, b, c })
    assert.is_false(is_in_doubt(a, c))
  end))

  it("gives nothing to who does not know either, for good", simulated(function(net, host)
    local a, b, c = with_one_left_behind(net, host)
    assert(a:forget(c.id, { undo = true }))
    net:stop "a"
    c = net:restart "c"
    local d = net:start("d", { bootstrap = { c.address } })
    nodes.peer(d, c.id)
    host.sleep(HOUR)
    a = net:restart "a"
    host.sleep(2 * HOUR)
    check_gone(a, "key", { a, b, c, d })
  end))
end)

---Puts back what a machine's disk was.
local function restore(net, name, backup)
  net:machine(name):crash(false)
  net:machine(name).disk:restore(backup)
  return net:restart(name)
end

describe("a node that is restored from a backup of before", function()
  for _, name in ipairs { "a", "c" } do
    it("is in doubt, and what was deleted stays so: " .. (name == "a" and "its own" or "another's"), simulated(function(net, host)
      local a, b, c = net:cluster(3)
      for _, key in ipairs { "key", "kept" } do assert(a:store(key, "content")) end
      local backup = net:machine(name).disk:backup()
      assert(a:delete "key")
      let_forget(host)
      check_gone(a, "key", { a, b, c })
      local again = restore(net, name, backup)
      a, c = name == "a" and again or a, name == "c" and again or c
      host.sleep(10 * MINUTE)
      check_gone(a, "key", { a, b, c })
      assert.is_false(is_in_doubt(a, again))
      assert.equal("content", nodes.content(a, "kept"))
      assert(a:store("new", "content"))
      assert(a:delete "kept")
      let_forget(host)
      check_gone(a, "kept", { a, b, c })
    end))
  end

  it("does not read what was deleted before it has found anybody to ask", simulated(function(net, host)
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local backup = net:machine("a").disk:backup()
    assert(a:delete "key")
    let_forget(host)
    a = restore(net, "a", backup)
    nodes.peer(a, b.id)
    host.sleep(1)
    net:cut("a", "b")
    check_gone(a, "key", { b })
  end))

  it("waits for nobody who was forgotten since, by who writes the namespace", simulated(function(net, host)
    local a, b, _, d = net:cluster(4)
    for _, key in ipairs { "key", "kept" } do assert(a:store(key, "content")) end
    local backup = net:machine("c").disk:backup()
    assert(a:delete "key")
    let_forget(host)
    net:stop "d"
    local c = restore(net, "c", backup)
    nodes.peer(a, c.id)
    host.sleep(10 * MINUTE)
    assert.is_true(is_in_doubt(a, c))
    assert(a:forget(d.id))
    host.sleep(10 * MINUTE)
    assert.is_false(is_in_doubt(a, c))
    check_gone(a, "key", { a, b, c })
    assert.is_false(fields_at(a, c, "kept").tombstone)
  end))

  it("has old versions of what was deleted no more", simulated(function(net, host)
    local a, b, c = net:cluster(3, { policy = filo.policy.with({ keep_versions = 3 }, filo.policy.everywhere) })
    host.sleep(MINUTE)
    for i = 1, 3 do assert(a:store("key", "content " .. i)) end
    assert.equal(2, #inside.of(c).kept:of(inside.of(a).namespace, a:key_hash "key"))
    local backup = net:machine("c").disk:backup()
    local old = net:machine("c").disk.old
    assert(a:delete "key")
    let_forget(host)
    net:machine("c"):crash(false)
    net:machine("c").disk:restore(backup)
    net:machine("c").disk.old = old
    c = net:restart "c"
    nodes.peer(a, c.id)
    host.sleep(10 * MINUTE)
    check_gone(a, "key", { a, b, c })
    assert.same({}, inside.of(c).kept:of(inside.of(a).namespace, a:key_hash "key"))
  end))

  it("goes on keeping what nobody can tell of while most others are in doubt, too", simulated(function(net, host)
    local a, b, c = net:cluster(3, { policy = filo.policy.copies(2) })
    for _, key in ipairs { "key", "other" } do assert(a:store(key, "content")) end
    local of_a, of_b = net:machine("a").disk:backup(), net:machine("b").disk:backup()
    assert(a:delete "other")
    let_forget(host)
    net:machine("a"):crash(false)
    local other
    net:machine("b"):crash(false)
    if fields_at(a, c, "key") then nodes.drop_at(a, c, "key") end -- nobody else has it
    a, other = restore(net, "a", of_a), restore(net, "b", of_b)
    host.sleep(HOUR)
    for _, node in ipairs { a, other } do assert.is_true(is_in_doubt(a, node)) end
    assert.is_false(fields_at(a, a, "key").tombstone)
    assert.is_not_nil(b)
  end))
end)

describe("a new member", function()
  it("that has nothing is not in doubt, and takes copies", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    for _, key in ipairs { "key", "kept" } do assert(a:store(key, "content")) end
    assert(a:delete "key")
    let_forget(host)
    local d = net:start("d", { bootstrap = { a.address } })
    nodes.peer(d, a.id)
    host.sleep(MINUTE)
    assert.equal(known_at(a, a), known_at(a, d))
    assert.is_false(is_in_doubt(a, d))
    assert(a:replicate "kept")
    assert.is_false(fields_at(a, d, "kept").tombstone)
    check_gone(a, "key", { a, b, c, d })
  end))
end)

describe("deletions of several who write a namespace", function()
  it("are forgotten together", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    local line = net.world.keyring:share(net.world.random:fork "shared")
    local faces = { assert(a:accept(line, "shared")), assert(b:accept(line, "shared")) }
    host.sleep(MINUTE)
    for i, face in ipairs(faces) do assert(face:store("key" .. i, "content")) end
    host.sleep(MINUTE)
    for i, face in ipairs(faces) do assert(face:delete("key" .. 3 - i)) end
    assert(faces[1]:store("kept", "content"))
    host.sleep(MINUTE)
    let_forget(host)
    local namespace = inside.of(faces[1]).namespace
    for _, node in ipairs { a, b, c } do
      assert.is_true(horizons_of(node):known(namespace) > 0)
      for i = 1, 2 do
        assert.is_nil((inside.of(node).disk:stat(namespace, a:path_of(inside.of(faces[1]).names:hash("key" .. i)))))
      end
    end
    for _, face in ipairs(faces) do
      for i = 1, 2 do assert.is_nil(face:get("key" .. i, { newest = true })) end
      assert.equal("content", nodes.content(face, "kept"))
    end
  end))
end)

describe("who is killed while deletions are being forgotten", function()
  for _, step in ipairs { "ask", "begin", "acknowledge", "end" } do
    for _, name in ipairs { "a", "c" } do
      it(("leaves no copy that comes back: at '%s', %s"):format(step, name == "a" and "who leads" or "who takes part"),
        simulated(function(net, host)
          local a, b = net:cluster(3)
          for _, key in ipairs { "key", "kept" } do assert(a:store(key, "content")) end
          net:stop "c"
          nodes.peers(a, 1)
          assert(a:delete "key")
          local c = net:restart "c"
          nodes.peer(a, c.id)
          local handler, killed = inside.of(c).peer_list.requests.handlers.forget, false
          inside.of(c).peer_list:handle("forget", function(body, peer)
            if body.step ~= step or killed then return handler(body, peer) end
            killed = true
            local answer, err = handler(body, peer)
            net.world:spawn(function() net:machine(name):crash(false) end)
            host.sleep(MINUTE)
            return answer, err
          end)
          let_forget(host)
          assert.is_true(killed)
          local again = net:restart(name)
          a, c = name == "a" and again or a, name == "c" and again or c
          let_forget(host)
          check_gone(a, "key", { a, b, c })
          assert.equal("content", nodes.content(a, "kept"))
          for _, node in ipairs { a, b, c } do assert.is_false(is_in_doubt(a, node)) end
        end))
    end
  end
end)

describe("a horizon", function()
  ---Of a namespace, signed with some keys.
  local function make(node, keys, horizon, namespace)
    local parts = inside.of(node)
    return signed.make(parts.host, "horizon", {
      namespace = namespace or keys:raw_id(), horizon = horizon, node = parts.raw_id, members = parts.raw_id:sub(1, 8),
      time = parts.host.time() // 1000000,
    }, keys)
  end

  ---Has b tell a of one.
  local function tell(a, b, given)
    local peer = inside.of(b).peer_list:get(a.id)
    return peer:ask("horizons", { horizons = { given }, pledges = "" })
  end

  it("of a stranger is refused", simulated(function(net, host)
    local a, b = net:cluster(2)
    local keys = inside.of(b).spaces:named("own").keys
    host.sleep(HOUR)
    assert(tell(a, b, make(b, keys, 1000000, inside.of(a).namespace)))
    assert.equal(0, known_at(a, a))
    assert.equal(1, net:logged "^a warning: .* tells of a horizon that is not taken: a horizon has a false signature")
    assert(tell(a, b, make(b, keys, 1000000)))
    assert.equal(1000000, known_at(b, a))
  end))

  it("of a time that has not come is refused", simulated(function(net)
    local a, b = net:cluster(2)
    local keys = inside.of(a).spaces:named("own").keys
    assert(tell(b, a, make(a, keys, inside.of(a).host.time() + (DAY + HOUR) * 1000000)))
    assert.equal(0, known_at(a, b))
    assert.equal(1, net:logged "^b warning: .* a time that has not come")
  end))

  it("does not go back", simulated(function(net)
    local a, b = net:cluster(2)
    local keys = inside.of(a).spaces:named("own").keys
    for _, horizon in ipairs { 2000000, 1000000 } do assert(tell(b, a, make(a, keys, horizon))) end
    assert.equal(2000000, known_at(a, b))
  end))

  it("is asked for by who writes the namespace only", simulated(function(net)
    local a, b = net:cluster(2)
    local peer = inside.of(b).peer_list:get(a.id)
    for topic, body in pairs {
      forget = { namespace = inside.of(a).namespace, horizon = 1, step = "begin" },
      buried = { namespace = inside.of(a).namespace, horizon = 1, after = 0 },
    } do
      local answer, err = peer:ask(topic, body)
      assert.is_nil(answer)
      assert.equal("denied", err.code)
    end
  end))
end)

-- On disks, with the catalogue of the core.
describe("on real disks", function()
  it("deletions are forgotten, and a node restored from a backup brings nothing back", function()
    local _ <close> = limits { forget = 0.1, forget_settle = 0.5, forget_again = 0.1, doubt = 0.1 }
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, key in ipairs { "key", "kept" } do assert(a:store(key, "content")) end
    local backup <close> = temp.folder()
    net:stop "b"
    nodes.peers(a, 0)
    local root = net.options.b.root
    assert(os.execute(("cp -a %s %s"):format(temp.quote(root), temp.quote(backup:file "b"))))
    local b = net:restart "b"
    nodes.peer(a, b.id)
    assert(a:delete "key")
    nodes.wait(function() return count_deletions(a, a) == 0 and count_deletions(a, b) == 0 end, "forgetting")
    check_gone(a, "key", { a, b })
    net:stop "b"
    nodes.peers(a, 0)
    assert(os.execute(("rm -r %s && cp -a %s %s"):format(temp.quote(root), temp.quote(backup:file "b"), temp.quote(root))))
    b = net:restart "b"
    nodes.peer(a, b.id)
    assert.is_false(fields_at(a, b, "kept").tombstone)
    nodes.wait(function() return known_at(a, b) > 0 and not is_in_doubt(a, b) end, "clearing")
    check_gone(a, "key", { a, b })
    assert.is_false(fields_at(a, b, "kept").tombstone)
  end)
end)
