---Two nodes find out in what they differ of what both hold, with few bytes, and ask each other about nothing else.

local filo = require "filo"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local relays = require "spec.support.relay"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

local MINUTE = 60

local function parts(node) return inside.of(node) end

local function peer_of(node, other) return parts(node).peer_list:get(other.id) end

local function path_of(owner, key) return parts(owner).names:path(parts(owner).names:hash(key)) end

---Which of some objects of an owner's a node knows that a peer holds, without asking about them.
local function held(owner, node, other, ...)
  local rows, names = {}, { ... }
  for i, key in ipairs(names) do
    local fields = parts(node).disk:stat(parts(owner).namespace, path_of(owner, key))
    rows[i] = { namespace = parts(owner).namespace, key_hash = parts(owner).names:hash(key), version = fields and fields.version or 0 }
  end
  local known, list = parts(node).beliefs:known(peer_of(node, other), rows), {}
  for i, name in ipairs(names) do
    if known[i] then list[#list + 1] = name end
  end
  return table.concat(list, " ")
end

---Whether a node and a peer are in step, after they compared.
local function in_step(node, other)
  parts(node).in_step.steps[other.id] = nil
  return parts(node).in_step:held(peer_of(node, other), {}) ~= nil
end

---Counts the questions of a topic that a node is asked from now on, and what they are about.
local function count_questions(node, topic)
  local requests, counts = parts(node).peer_list.requests, { questions = 0, objects = 0 }
  local handler = requests.handlers[topic]
  requests.handlers[topic] = function(body, peer)
    counts.questions = counts.questions + 1
    counts.objects = counts.objects + #(body.key_hashes or "") // 32
    return handler(body, peer)
  end
  return counts
end

local COUNT = 600

---Two nodes with the same objects, a line between them that counts, and what each knows of the other.
local function with_objects(fn)
  return function()
    local net <close> = nodes.net()
    local b = net:start "b"
    local relay <close> = relays.to(b.address)
    local a = net:start("a", { listen = nodes.NONE, bootstrap = { relay.address } })
    nodes.peers(a, 1)
    nodes.peers(b, 1)
    for i = 1, COUNT do assert(a:store("key " .. i, "content")) end
    fn(a, b, relay, net)
    net:stop "a"
    net:stop "b"
  end
end

describe("two nodes that hold the same", function()
  it("need few bytes to see that, and to find what differs", with_objects(function(a, b, relay)
    assert.is_true(in_step(a, b))
    local before = relay.bytes
    assert.is_true(in_step(a, b))
    assert.is_true(relay.bytes - before < 200, relay.bytes - before)
    for i = 1, 5 do
      nodes.drop(a, "key " .. i)
      nodes.drop_at(a, b, "key " .. 100 + i)
    end
    before = relay.bytes
    local both = filo.all { function() return in_step(b, a) end, function() return in_step(a, b) end }
    assert.same({ true, true }, both)
    assert.is_true(relay.bytes - before < 12000, relay.bytes - before) -- not twice as many
    assert.equal("key 99", held(a, a, b, "key 1", "key 99", "key 101", "key 105"))
    assert.equal("key 99", held(a, b, a, "key 1", "key 99", "key 101", "key 105"))
    before = relay.bytes
    assert.is_true(in_step(a, b))
    assert.is_true(relay.bytes - before < 200, relay.bytes - before)
  end))

  it("are in step after a new start, and tell each other anew what one has forgotten", with_objects(function(a, b, _, net)
    assert.is_true(in_step(a, b))
    b = net:restart "b"
    nodes.peer(a, b.id)
    nodes.peer(b, a.id)
    parts(b).catalogue:wait()
    local questions = count_questions(b, "prints")
    assert.is_true(in_step(a, b))
    assert.equal(0, questions.questions)
    assert.equal("key 1 key 99", held(a, a, b, "key 1", "key 99"))
    net:stop "b"
    assert(os.remove(net.options.b.root .. "/catalogue"))
    b = net:restart "b"
    nodes.peer(a, b.id)
    nodes.peer(b, a.id)
    assert.is_true(in_step(b, a))
    assert.equal("key 1 key 99", held(a, a, b, "key 1", "key 99"))
    assert.equal("key 1 key 99", held(a, b, a, "key 1", "key 99"))
  end))
end)

describe("nodes that look after copies", function()
  it("ask about what they know of no more than once in 24 looks", simulated(function(net, host)
    local a, b = net:cluster(2)
    for i = 1, 100 do assert(a:store("key " .. i, "content")) end
    host.sleep(2 * host.limits.repair_start)
    local at_a, at_b = count_questions(a, "have"), count_questions(b, "have")
    local repair = parts(a).repair
    for _ = 1, 23 do repair:look_after_all {} end
    assert.is_true(at_b.objects <= 100, at_b.objects)
    repair:look_after_all {}
    assert.equal(100, at_b.objects)
    assert.equal(0, at_a.objects)
    a:repair()
    assert.equal(200, at_b.objects)
  end))

  it("say nothing while nothing happens, and compare once when something has", simulated(function(net, host)
    local a, b = net:cluster(2)
    for i = 1, 10 do assert(a:store("key " .. i, "content")) end
    host.sleep(10 * MINUTE)
    local at_a, at_b = count_questions(a, "print"), count_questions(b, "print")
    host.sleep(30 * MINUTE)
    assert.same({ 0, 0 }, { at_a.questions, at_b.questions })
    assert(a:store("key 11", "content"))
    host.sleep(5 * MINUTE)
    assert.equal(1, at_a.questions + at_b.questions)
    assert.equal("key 11", held(a, a, b, "key 11"))
    assert.equal("key 11", held(a, b, a, "key 11"))
  end))

  it("make a copy that is missing within minutes after its holder noticed", simulated(function(net, host)
    local a, b = net:cluster(2)
    for i = 1, 10 do assert(a:store("key " .. i, "content")) end
    host.sleep(10 * MINUTE)
    for _, asks in ipairs { a, b } do
      net:machine "b".disk:remove(parts(a).namespace, path_of(a, "key 3"))
      assert.is_true(in_step(asks, asks == a and b or a))
      assert.equal("", held(a, a, b, "key 3"))
      host.sleep(12 * MINUTE)
      assert.is_table(net:machine "b".disk:file(parts(a).namespace, path_of(a, "key 3")))
      assert.is_true(in_step(a, b))
      assert.equal("key 3", held(a, a, b, "key 3"))
    end
    assert.equal(0, net:logged "in step")
    assert.equal(0, net:logged "compared")
  end))

  it("notice what a peer has lost that comes back from an old backup, or with another disk", simulated(function(net, host)
    local a = net:cluster(2)
    for i = 1, 10 do assert(a:store("key " .. i, "old")) end
    host.sleep(10 * MINUTE)
    local disk = net:machine "b".disk
    local before = disk:backup()
    for i = 6, 15 do assert(a:store("key " .. i, "new")) end
    host.sleep(10 * MINUTE)
    for _, backup in ipairs { before, {} } do
      net:machine "b":crash(false)
      disk:restore(backup)
      local b = net:restart "b"
      host.sleep(2 * host.limits.repair_start + 5 * MINUTE)
      for i = 1, 15 do
        local there = disk:file(parts(a).namespace, path_of(a, "key " .. i))
        local here = net:machine "a".disk:file(parts(a).namespace, path_of(a, "key " .. i))
        assert.equal(here.record, there and there.record)
      end
      assert.is_true(in_step(a, b))
    end
  end))

  it("ask about all where a peer cannot be compared with", simulated(function(net, host)
    local a, b = net:cluster(2)
    for i = 1, 50 do assert(a:store("key " .. i, "content")) end
    host.sleep(10 * MINUTE)
    local at_b = count_questions(b, "have")
    parts(b).peer_list.requests.handlers.print = function() return nil, { code = "io", message = "its catalogue cannot be used" } end
    parts(a).in_step.steps = {}
    parts(a).repair:look_after_all {}
    assert.equal(50, at_b.objects)
    assert.equal(1, net:logged "cannot be compared, so that it is asked for each object: its catalogue cannot be used")
  end))
end)

---A stranger that a node's objects are said to be at, as he answers.
local function with_stranger(fn)
  return function()
    local net <close> = nodes.net()
    local a = net:start "a"
    parts(a).catalogue:wait()
    local stranger <close> = strangers.meet(a)
    nodes.peer(a, stranger.id)
    fn(a, stranger, net)
  end
end

local function is_in_step(node, stranger)
  parts(node).in_step.steps[stranger.id] = nil
  return parts(node).in_step:held(parts(node).peer_list:get(stranger.id), {}) ~= nil
end

local function node_id(stranger) return filo.crypto.unhex(stranger.id) end

describe("a peer that compares", function()
  it("and answers with nonsense is told of, and not in step", with_stranger(function(a, stranger, net)
    assert(a:store("key", "content", { to = {} }))
    local answers = {
      print = { prints = ("p"):rep(8) }, prints = { prints = "" }, marks = { lacks = "", more = "", to = 16384 },
    }
    for topic in pairs(answers) do
      stranger:on(topic, function() return { body = answers[topic] } end)
    end
    assert.is_false(is_in_step(a, stranger))
    net:expect "gives more or fewer prints than there are buckets"
    answers.print = { prints = ("p"):rep(2048) }
    assert.is_false(is_in_step(a, stranger))
    answers.prints = { prints = ("p"):rep(16 * 64 * 8) }
    assert.is_false(is_in_step(a, stranger)) -- never the same
    answers.print = { prints = "" }
    local more = filo.crypto.random(16 * 100)
    answers.marks = { lacks = filo.crypto.random(16 * 4096), more = more, to = 16384 }
    assert.is_false(is_in_step(a, stranger)) -- there is always more that is not here
    answers.marks = { lacks = "", more = "", to = 1 }
    assert.is_false(is_in_step(a, stranger)) -- it goes on where it was
  end))

  it("is believed of what it says that it holds, and of nothing else", with_stranger(function(a, stranger)
    local forged = forge(stranger.keys, { content = "content" })
    assert(stranger:ask("store", { record = forged.record, body = forged.hashes .. forged.content }))
    assert(a:store("key", "content", { to = {} }))
    local here = parts(a).catalogue
    local own = assert(parts(a).disk:stat(parts(a).namespace, path_of(a, "key")))
    local mark = here:mark(forged.namespace, forged.key_hash, forged.version)
    local other = here:mark(own.namespace, own.key_hash, own.version)
    local unknown, all = filo.crypto.random(16), (">I2I2"):pack(0, 16383)
    parts(a).beliefs:flush()
    assert.same({ true, false }, here:believed(node_id(stranger), mark .. other))
    local answer = assert(stranger:ask("marks", { leaves = all, marks = unknown, gone = "" }))
    assert.same({ lacks = unknown, more = mark, to = 16384 }, answer)
    assert.same({ lacks = "", more = "", to = 16384 }, (stranger:ask("marks", { leaves = all, marks = other, gone = mark })))
    assert.same({ false, true }, here:believed(node_id(stranger), mark .. other))
  end))

  it("is refused what is more than is told at once, or is cut", with_stranger(function(_, stranger)
    local salt = ("s"):rep(16)
    for topic, bodies in pairs {
      print = { { salt = "s", print = ("p"):rep(8) }, { salt = salt, print = "p" }, { salt = salt } },
      prints = { { salt = salt, buckets = ("b"):rep(17) }, { salt = salt } },
      marks = {
        { leaves = ("l"):rep(4 * 257), marks = "", gone = "" }, { leaves = "l", marks = "", gone = "" },
        { leaves = "", marks = "m", gone = "" }, { leaves = "", marks = ("m"):rep(16 * 4097), gone = "" }, { leaves = "", marks = "" },
      },
    } do
      for _, body in ipairs(bodies) do assert.equal("protocol", (stranger:refusal(topic, body))) end
    end
    local answer, err
    repeat answer, err = stranger:ask("print", { salt = salt, print = ("p"):rep(8) }) until answer or err.code ~= "busy" -- it asks, too
    assert.same({ prints = "" }, answer)
  end))
end)
