local copies = require "spec.support.copies"
local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

local MINUTE, HOUR = 60, 3600

local function policy(n) return { policy = filo.policy.copies(n) } end

describe("copies that are missing", function()
  it("are made when a member that missed them is back", simulated(function(net, host)
    local a = net:start_all("ab", {})
    host.sleep(10)
    net:machine "b":crash(false)
    host.sleep(10)
    for i = 1, 20 do a:store("key " .. i, nodes.bytes(1000, i)) end
    assert.equal(1, copies(net, a, "key 7"))
    net:restart "b"
    host.sleep(2 * host.limits.repair_start)
    for i = 1, 20 do assert.equal(2, copies(net, a, "key " .. i)) end
  end))

  -- A node that did not know that its copy had rotted sent it again and again, and was refused each time, until it was scrubbed.
  it("are not made of one that has rotted, which is found out and healed", simulated(function(net, host)
    local a = net:start_all("ac", { scrub = false })
    host.sleep(10)
    assert.equal(2, #a:store("key", "content").copies)
    local parts, machine = inside.of(a), net:machine "a"
    local path = parts.names:path(parts.names:hash "key")
    net:machine "c":crash(false)
    machine.disk:replace(parts.namespace, path, { chunks = { "CONTENT" } })
    net:start("b", { bootstrap = { a.address }, scrub = false })
    host.sleep(2 * host.limits.repair_start)
    assert.is_nil(machine.disk:file(parts.namespace, path))
    net:restart "c"
    host.sleep(2 * host.limits.repair_start)
    assert.is_true(machine.disk:file(parts.namespace, path).intact)
    assert.equal(3, copies(net, a, "key"))
  end))

  it("are made elsewhere once who had them is away for long, and not before", simulated(function(net, host)
    local a = net:start_all("abcd", policy(2))
    host.sleep(10)
    local to
    for i = 1, 20 do
      local receipt = assert(a:store("key " .. i, nodes.bytes(1000, i)))
      to = to or receipt.copies[2]
    end
    for name in ("bcd"):gmatch "." do
      if net:machine(name).run.node.id == to then net:machine(name):crash(false) end
    end
    host.sleep(500)
    assert.equal(2, copies(net, a, "key 1")) -- one of them at a machine that is off
    host.sleep(HOUR)
    assert.equal(3, copies(net, a, "key 1"))
    assert.equal(20, inside.of(a).repair.report.objects)
    assert.equal(0, inside.of(a).repair.report.short)
  end))

  it("are looked for everywhere only if somebody's place was taken meanwhile", simulated(function(net, host)
    local a = net:start_all("abcd", policy(2))
    host.sleep(10)
    for i = 1, 20 do assert(a:store("key " .. i, "content")) end
    host.sleep(30 * MINUTE)
    local repair, looks = inside.of(a).repair, 0
    local look_after_all = repair.look_after_all
    function repair.look_after_all(...)
      looks = looks + 1
      return look_after_all(...)
    end
    net:machine "b":crash(false)
    host.sleep(5 * MINUTE)
    net:restart "b"
    host.sleep(12 * MINUTE)
    assert.equal(0, looks)
    net:machine "b":crash(false)
    host.sleep(11 * MINUTE)
    assert.equal(1, looks)
    net:restart "b"
    host.sleep(1 * MINUTE)
    assert.equal(2, looks)
  end))

  it("are made while an owner is away who has chosen no policy: everywhere", simulated(function(net, host)
    local a = net:start_all("abc", { policy = false })
    host.sleep(10)
    for i = 1, 5 do assert(a:store("key " .. i, "content")) end
    host.sleep(5 * MINUTE)
    net:machine "a":crash(false)
    net:start("d", { bootstrap = { net:machine "b".address } })
    host.sleep(HOUR)
    for i = 1, 5 do assert.equal(4, copies(net, a, "key " .. i)) end
  end))

  it("are made by one node only, however many have the object", simulated(function(net, host)
    local a = net:start_all("abcdef", policy(3))
    host.sleep(10)
    for i = 1, 20 do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
    net:machine "a":crash(false) -- the owner: the others know what he wants
    host.sleep(3 * HOUR)
    local owner = net:restart "a"
    for i = 1, 20 do assert.equal(4, copies(net, owner, "key " .. i)) end -- one of them at a
  end))

  it("are not made where there are as many as there should be, wherever they lie", simulated(function(net, host)
    local a = net:start_all("abcdef", policy(3))
    host.sleep(10)
    for i = 1, 40 do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
    host.sleep(3 * HOUR)
    for i = 1, 40 do assert.equal(3, copies(net, a, "key " .. i)) end
  end))

  -- Each holder counted from its own copy, and had one more made where it did not count the owner's.
  it("are not made where another holder would count otherwise", simulated(function(net, host)
    local a = net:start("a", { policy = filo.policy.tagged("ssd", filo.policy.copies(2)) })
    for name in ("bcd"):gmatch "." do net:start(name, { bootstrap = { a.address }, about = { tags = { "ssd" } } }) end
    host.sleep(10)
    for i = 1, 20 do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
    host.sleep(3 * HOUR)
    for i = 1, 20 do assert.equal(2, copies(net, a, "key " .. i)) end
  end))

  it("are made again where a disk has lost them, without anybody's doing", simulated(function(net, host)
    local a = net:start_all("ab", {})
    host.sleep(10)
    assert(a:store("key", "content"))
    local parts = inside.of(a)
    net:machine "b".disk:remove(parts.namespace, parts.names:path(parts.names:hash "key"))
    assert.equal(1, copies(net, a, "key"))
    host.sleep(2 * HOUR)
    assert.equal(2, copies(net, a, "key"))
  end))

  it("are told of with the reason while they cannot be made", simulated(function(net, host)
    local a = net:start "a"
    net:start("b", { bootstrap = { a.address }, policy = { accept = function() return false, "not today" end, name = "none" } })
    host.sleep(10)
    assert.is_nil(a:store("key", "content"))
    local report = a:repair()
    assert.same({ 1, 1, 0 }, { report.objects, report.short, report.made })
    assert.equal("refused: not today", next(report.reasons))
    host.sleep(2 * HOUR)
    assert.equal(1, inside.of(a).repair.report.short)
  end))

  it("are not made while many members went away at once, unless somebody asks for it", simulated(function(net, host)
    local a = net:start_all("abcde", policy(2))
    host.sleep(10)
    for i = 1, 20 do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
    host.sleep(2 * host.limits.repair_start)
    for name in ("bc"):gmatch "." do net:machine(name):crash(false) end
    host.sleep(2 * HOUR)
    assert.equal("2 members of 5 went away at once", inside.of(a).repair.held)
    local missing = a:repair { dry_run = true }
    assert.is_true(missing.short > 0 and missing.made == 0)
    assert.same({ missing.short, 0 }, { a:repair().made, a:repair().short })
  end))

  it("of deletions are told to who has an older version", simulated(function(net, host)
    local a = net:start_all("abc", {})
    host.sleep(10)
    assert(a:store("key", "content"))
    local owner = inside.of(a)
    local path = owner.names:path(owner.names:hash "key")
    local before = net:machine "c".disk:backup()
    assert(a:delete "key")
    host.sleep(10)
    net:machine "a":crash(false)
    net:machine "c":crash(false)
    net:machine "c".disk:restore(before)
    net:restart "c"
    host.sleep(HOUR)
    assert.is_true(net:machine "c".disk:file(owner.namespace, path).fields.tombstone)
  end))

  it("are looked for by prefix, and misuse is an error", simulated(function(net, host)
    local a = net:start_all("ab", {})
    host.sleep(10)
    for _, key in ipairs { "x/1", "x/2", "y" } do assert(a:store(key, key)) end
    assert.equal(2, a:repair({ prefix = "x/" }).objects)
    assert.equal(3, a:repair().objects)
    assert.is_false(pcall(a.repair, a, { prefx = "x" }))
  end))
end)

describe("a member that is to be emptied", function()
  ---How many copies it says are left at it.
  local function left(a, id)
    for _, member in ipairs(a:members()) do
      if member.id == id then return member.left end
    end
  end

  ---A cluster whose members obey the first.
  local function start_obeying(net, names, given)
    local a = net:start("a", given)
    for name in names:gmatch "." do
      net:start(name, { bootstrap = { a.address }, operators = { a:namespace().id }, policy = given.policy })
    end
    return a
  end

  it("gives what it keeps to others, drops it, and says when it has nothing left", simulated(function(net, host)
    local a = start_obeying(net, "bcd", policy(3))
    local b = net:machine("b").run.node
    host.sleep(10)
    for i = 1, 20 do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
    assert(b:store("its own", "content", { to = a.id }))
    assert.is_true(b:usage()[2].objects > 0)
    assert.is_nil(left(a, b.id))
    assert(a:drain(b.id))
    host.sleep(600)
    assert.equal(0, b:usage()[2] and b:usage()[2].objects or 0)
    for i = 1, 20 do assert.equal(3, copies(net, a, "key " .. i)) end
    assert.equal(4, copies(net, b, "its own")) -- as many elsewhere as it wants, and the one that it takes along
    assert.equal(0, left(a, b.id))
    assert(a:drain(b.id, { undo = true }))
    host.sleep(60)
    assert.is_nil(left(a, b.id))
  end))

  it("keeps what nobody else takes, and counts it", simulated(function(net, host)
    local a = start_obeying(net, "b", policy(2))
    host.sleep(10)
    for i = 1, 5 do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
    assert(a:drain(net:machine("b").id))
    host.sleep(HOUR)
    assert.equal(5, left(a, net:machine("b").id))
    for i = 1, 5 do assert.equal(2, copies(net, a, "key " .. i)) end
  end))
end)

-- A node whose root was lost, or was an older one, went on under a policy that it had said once and changed since.
describe("what is wanted of copies", function()
  it("is what the node's options say, whatever it said before its root was lost", simulated(function(net, host)
    local a = net:start_all("ab", policy(2))
    host.sleep(10)
    local machine, raw_id = net:machine "a", inside.of(a).namespace
    local function known() return inside.of(net:machine "b".run.node).wishes:of(raw_id).name end
    for n = 3, 5 do
      machine.options.policy = filo.policy.copies(n)
      net.world:configure(machine)
      host.sleep(10)
    end
    assert.equal("5 copies", known())
    machine:crash(false)
    machine.disk:restore {}
    machine.options.policy = filo.policy.copies(2)
    net:restart "a"
    host.sleep(60)
    assert.equal("2 copies", known())
  end))

  it("is a copy everywhere until somebody who writes the namespace has chosen, whoever said it last", simulated(function(net, host)
    local a = net:start_all("ab", { policy = false })
    host.sleep(10)
    local machine, raw_id = net:machine "a", inside.of(a).namespace
    local function known() return inside.of(net:machine "b".run.node).wishes:of(raw_id).name end
    assert.equal("a copy at every peer", known())
    machine.options.policy = filo.policy.copies(2)
    net.world:configure(machine)
    host.sleep(10)
    assert.equal("2 copies", known())
    machine.options.policy = false
    net.world:configure(machine)
    machine:crash(false)
    machine.disk:restore {}
    net:restart "a"
    host.sleep(60)
    assert.equal("2 copies", known())
    assert.equal("2 copies", inside.of(machine.run.node).wishes:of(raw_id).name)
  end))
end)

describe("copies that are too many", function()
  ---A cluster in which another member has stood in for one that has copies of 20 objects and was away. Gives the owner, and that one.
  local function stood_in(net, host)
    local a = net:start_all("abcd", policy(2))
    host.sleep(10)
    for i = 1, 20 do assert(a:store("key " .. i, nodes.bytes(1000, i))) end
    local had = {}
    for i = 1, 20 do
      for _, copy in ipairs(a:copies("key " .. i)) do
        if copy.node ~= a.id and copy.version then had[copy.node] = (had[copy.node] or 0) + 1 end
      end
    end
    local away
    for name in ("bcd"):gmatch "." do
      if not away and had[net:machine(name).run.node.id] then away = name end
    end
    net:machine(away):crash(false)
    host.sleep(HOUR)
    local total = 0
    for i = 1, 20 do total = total + copies(net, a, "key " .. i) end
    assert.equal(40 + had[net:machine(away).id], total)
    return a, away
  end

  it("go when a member is back for which others stood in, once it has stayed for a while", simulated(function(net, host)
    local a, away = stood_in(net, host)
    net:restart(away)
    host.sleep(500)
    assert.is_true(copies(net, a, "key 1") + copies(net, a, "key 2") >= 4)
    host.sleep(HOUR)
    for i = 1, 20 do assert.equal(2, copies(net, a, "key " .. i)) end
  end))

  -- Each took itself for the one that stood in: a policy that names no more members than it wants tells nobody of the others.
  it("go but for one when several stood in for one that has none", simulated(function(net, host)
    local a = net:start_all("abcdef", { policy = filo.policy.zones { copies = 2, zones = 1 } })
    host.sleep(10)
    local first = assert(a:store("key", nodes.bytes(1000, 1))).copies[2]
    local list = {}
    for _, peer in ipairs(a:peers()) do
      if peer.id ~= first and #list < 3 then list[#list + 1] = peer end
    end
    assert(a:replicate("key", { to = list }))
    local parts = inside.of(a)
    for name in ("bcdef"):gmatch "." do
      local machine = net:machine(name)
      if machine.id == first then machine.disk:remove(parts.namespace, parts.names:path(parts.names:hash "key")) end
    end
    assert.equal(4, copies(net, a, "key"))
    host.sleep(3 * HOUR)
    assert.equal(2, copies(net, a, "key"))
  end))

  -- Who kept an older version, and is not to have the newer one, kept it for good.
  it("go when they are of an older version that nobody is to have any more", simulated(function(net, host)
    local a = net:start_all("abcd", policy(2))
    host.sleep(10)
    local first = assert(a:store("key", "old")).copies[2]
    local path = inside.of(a).names:path(inside.of(a).names:hash "key")
    for name in ("bcd"):gmatch "." do
      local machine = net:machine(name)
      if machine.id == first then
        machine:crash(false)
        host.sleep(60)
        assert.not_equal(first, assert(a:store("key", "new")).copies[2])
        net:restart(name)
        host.sleep(60)
        assert.is_table(machine.disk:file(inside.of(a).namespace, path))
      end
    end
    assert.equal(3, copies(net, a, "key"))
    host.sleep(2 * HOUR)
    assert.equal(2, copies(net, a, "key"))
    assert.equal("new", nodes.content(a, "key"))
  end))

  it("stay until who should have one has a good one", simulated(function(net, host)
    local a, away = stood_in(net, host)
    local machine, parts, rotten = net:machine(away), inside.of(a), nil
    for i = 1, 20 do
      local path = parts.names:path(parts.names:hash("key " .. i))
      if machine.disk:file(parts.namespace, path) then
        machine.disk:rot(parts.namespace, path)
        rotten = "key " .. i
      end
    end
    net:restart(away)
    host.sleep(3 * HOUR)
    for i = 1, 20 do assert.equal(2, copies(net, a, "key " .. i)) end
    assert(a:evict(rotten)) -- the other one has been made good
  end))

  it("stay while another node relies on them", simulated(function(net, host)
    local a, away = stood_in(net, host)
    local parts, key = inside.of(a), nil
    for i = 1, 20 do key = copies(net, a, "key " .. i) == 3 and "key " .. i or key end
    local name = { hash = parts.names:hash(key), key = key }
    name.path = parts.names:path(name.hash)
    local stand_in
    for _, copy in ipairs(a:copies(key)) do stand_in = copy.node ~= a.id and copy.version and copy or stand_in end
    net:restart(away)
    local function ask() return parts.prove:at(name, stand_in, parts.prove:here(name)) end
    for _ = 1, 6 do
      assert(ask())
      host.sleep(HOUR / 2)
    end
    assert.equal(3, copies(net, a, key))
    host.sleep(4 * HOUR)
    assert.equal(2, copies(net, a, key))
  end))
end)

-- Each of these was tried by somebody who wanted to break it.
describe("a member that lies, or cannot tell, of what it has", function()
  local function answers(what, version)
    return function(body) return { body = { here = (">BI8"):pack(what, version):rep(#body.key_hashes // 32) } } end
  end

  ---A node that has an object, and a stranger that is a member.
  local function meet(net, options)
    local a = net:start("a", options)
    local liar = strangers.meet(a)
    assert(liar:ask("member", { records = { liar:member() }, verdicts = {}, policies = {} }))
    nodes.stored(a:store("key", "content", { to = {} }))
    return a, liar
  end

  it("does not keep a copy from being made by a newer version that it does not show", function()
    local net <close> = nodes.net()
    local a, liar = meet(net)
    local _ <close> = liar
    liar:on("have", answers(1, math.maxinteger))
    liar:on("find", function() return { body = { record = liar:record { version = math.maxinteger } } } end)
    assert.same({ 1, 0 }, { a:repair().objects, a:repair().made })
    local b = net:start("b", { bootstrap = { a.address } })
    nodes.peer(a, b.id)
    assert.equal(1, a:repair().made)
  end)

  it("is told of as a reason when it says that it has what it does not show", function()
    local net <close> = nodes.net()
    local a, liar = meet(net)
    local _ <close> = liar
    liar:on("have", answers(0, 0))
    liar:on("store", function() return { body = { record = ("x"):rep(300) } } end)
    local report = a:repair()
    assert.equal(1, report.short)
    assert.matches("does not show", (next(report.reasons)))
  end)

  it("that goes while others refuse ends no look", function()
    local net <close> = nodes.net()
    local a, one = meet(net)
    local two = strangers.meet(a)
    assert(two:ask("member", { records = { two:member() }, verdicts = {}, policies = {} }))
    for me, other in pairs { [one] = two, [two] = one } do
      me:on("have", answers(0, 0))
      me:on("store", function()
        other.line:close()
        nodes.peers(a, 1)
        return { error = { code = "denied", message = "not today" } }
      end)
    end
    local report = a:repair()
    assert.same({ 1, 0 }, { report.short, report.made })
    one:close()
    two:close()
  end)
end)

-- It read what it had before, for good; and where nobody else can look after its copies, there were too few of what is newer.
describe("an owner who comes back from an old backup", function()
  for what, own in pairs {
    ["that others know"] = filo.policy.everywhere,
    ["of a script's own"] = { name = "all", place = function(_, members) return members end },
  } do
    it("brings what is newer elsewhere, and looks after that, by a policy " .. what, simulated(function(net, host)
      local a = net:start_all("abc", { policy = own })
      host.sleep(10)
      assert(a:store("key", "first"))
      net:stop "a"
      local backup = net:machine "a".disk:backup()
      a = net:restart "a"
      nodes.wait(function() return #a:peers() == 2 end, "peers")
      assert(a:store("key", "second"))
      net:stop "a"
      net:machine "b":crash(false)
      net:machine "a".disk:restore(backup)
      net:machine "b".disk:restore {}
      a = net:restart "a"
      net:restart "b"
      host.sleep(HOUR)
      assert.equal("second", nodes.content(a, "key"))
      local parts = inside.of(a)
      for name in ("abc"):gmatch "." do
        local file = net:machine(name).disk:file(parts.namespace, parts.names:path(parts.names:hash "key"))
        assert.equal(#"second", file and file.fields.size)
      end
    end))
  end
end)

describe("copies without a catalogue that can be used", function()
  it("are looked after, too", simulated(function(net, host)
    local a = net:cluster(2)
    net:stop "b"
    nodes.peers(a, 0)
    local core = inside.of(a).catalogue.core
    inside.of(a).catalogue.core = nil
    for i = 1, 5 do a:store("key" .. i, "content") end
    local b = net:restart "b"
    host.sleep(3600)
    inside.of(a).catalogue.core = core
    for i = 1, 5 do
      assert.is_table((inside.of(b).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash("key" .. i)))))
    end
    assert.equal(0, net:logged "could not be looked after")
  end))
end)
