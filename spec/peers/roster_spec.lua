local crypto = require "filo.core.crypto"
local free_address = require "spec.support.free_address"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local simulated = require "spec.support.simulated"
local stores = require "spec.support.stores"
local strangers = require "spec.support.stranger"

---Waits until a node knows a member in some state: connected, or not.
local function wait_for(node, id, connected)
  return nodes.wait(function()
    for _, member in ipairs(node:members()) do
      if member.id == id and (connected == nil or member.connected == connected) then return member end
    end
  end, "member")
end

local function gone(node, id)
  nodes.wait(function()
    for _, member in ipairs(node:members()) do
      if member.id == id then return false end
    end
    return true
  end, "member that has gone")
end

---The names of the members that a node knows, in order, with their states.
local function names(node)
  local list = {}
  for i, member in ipairs(node:members()) do list[i] = ("%s %s"):format(member.name, member.state) end
  table.sort(list)
  return list
end

local function named(name, options)
  local given = { about = { name = name } }
  for option, value in pairs(options or {}) do given[option] = value end
  return given
end

describe("members", function()
  it("who join by one address know and dial each other", simulated(function(net, host)
    local a = net:start("a", named "a")
    local b = net:start("b", named("b", { bootstrap = { a.address } }))
    local c = net:start("c", named("c", { bootstrap = { a.address } }))
    host.sleep(10)
    assert.same({ "b up", "c up" }, names(a))
    assert.same({ "a up", "c up" }, names(b))
    assert.same({ "a up", "b up" }, names(c))
    assert.equal(2, #b:peers())
    local seen = b:members()[1].id == c.id and b:members()[1] or b:members()[2]
    assert.same({ c.address }, seen.addresses)
  end))

  it("who are away are members all the same, with since when and why", simulated(function(net, host)
    local a = net:start("a", named "a")
    net:start("b", named("b", { bootstrap = { a.address } }))
    host.sleep(10)
    net:machine("b"):crash(false)
    host.sleep(3600)
    local member = a:members()[1]
    assert.same({ "away", false }, { member.state, member.connected })
    assert.is_true(member.since > 3500 and member.since < 3700)
    assert.matches("cannot connect to", member.why)
    a = net:restart "a" -- which keeps that in its root
    host.sleep(60)
    member = a:members()[1]
    assert.equal("b", member.name)
    assert.is_true(member.since > 3500 and member.since < 3800)
  end))

  it("find each other again after a long partition, and where an address has changed meanwhile", simulated(function(net, host)
    local a = net:start("a", named "a")
    net:start("b", named("b", { bootstrap = { a.address } }))
    net:start("c", named("c", { bootstrap = { a.address } }))
    host.sleep(10)
    for _, pair in ipairs { { "a", "b" }, { "a", "c" } } do net:cut(pair[1], pair[2]) end
    host.sleep(7 * 86400)
    assert.same({ "b away", "c away" }, names(a))
    net:machine("c"):move()
    net:start("c", named "c") -- no bootstrap: it has its roster
    for _, pair in ipairs { { "a", "b" }, { "a", "c" } } do net:mend(pair[1], pair[2]) end
    host.sleep(60)
    assert.same({ "b up", "c up" }, names(a))
    net:machine("a"):move()
    a = net:start("a", named "a")
    host.sleep(60)
    assert.same({ "b up", "c up" }, names(a))
  end))

  it("hear what another says of itself while it runs, and scripts hear of who goes and comes", simulated(function(net, host)
    local a = net:start("a", named "a")
    local b = net:start("b", named("b", { bootstrap = { a.address } }))
    local told = {}
    a:on("member_away", function(member) told[#told + 1] = "away " .. member.name end)
    a:on("member_back", function(member) told[#told + 1] = "back " .. member.name end)
    host.sleep(10)
    local peer = a:peers()[1]
    local options = net:machine("b").options
    options.about, options.root = { name = "beta", zone = "z" }, b.root
    options.identity = "/identity"
    b:configure(options)
    host.sleep(5)
    assert.same({ "beta up" }, names(a))
    assert.equal("z", a:members()[1].about.zone)
    assert.equal("z", peer.about.zone)
    net:machine("b"):crash(false)
    host.sleep(60)
    net:restart "b"
    host.sleep(60)
    assert.same({ "away beta", "back beta" }, told)
  end))

  it("do not hear of what lasts shorter than a few seconds", simulated(function(net, host)
    local a = net:start("a", named "a")
    net:start("b", named("b", { bootstrap = { a.address } }))
    host.sleep(10)
    local told = 0
    a:on("member_away", function() told = told + 1 end)
    net:restart "b"
    host.sleep(60)
    assert.equal(0, told)
    assert.same({ "b up" }, names(a))
  end))

  it("are told by those who have proved the secret only, and guests are none", function()
    local net <close> = nodes.net()
    local a = net:start("a", { admit = function() return true end })
    local guest <close> = strangers.call(a)
    assert(guest:say(guest:hello { proof = ("x"):rep(32) }))
    assert(guest:hear().hello)
    assert(guest:hear().welcome)
    guest.line:admit()
    assert(guest:say(guest:welcome { member = guest:member { about = { name = "guest" } } }))
    guest:serve()
    nodes.peers(a, 1)
    assert.equal("guest", a:peers()[1].about.name)
    local member <close> = strangers.meet(a)
    local record = member:member { addresses = { "127.0.0.1:1" } }
    assert.same({}, assert(guest:ask("member", { records = { record }, verdicts = {}, policies = {} })))
    local asked = { known = "", policies_known = "" }
    local nothing = { records = {}, verdicts = {}, policies = {}, known = "", policies_known = "" }
    assert.same(nothing, assert(guest:ask("members", asked)))
    assert.same({}, a:members())
    assert(member:ask("member", { records = { record }, verdicts = {}, policies = {} }))
    assert.equal(member.id, a:members()[1].id)
    assert.equal(2, #assert(member:ask("members", asked)).records) -- a's and its own
  end)

  it("are not taken from a record that is false, old, or too much", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local liar <close> = strangers.meet(a)
    local other = strangers.forged()
    local record = other:member { about = { name = "new" }, number = 5 }
    assert(liar:ask("member", { records = { record }, verdicts = {}, policies = {} }))
    assert.equal("new", wait_for(a, other.id).name)
    assert(liar:ask("member", { records = { other:member { about = { name = "old" }, number = 4 } }, verdicts = {}, policies = {} }))
    assert.equal("new", a:members()[1].name)
    for what, bad in pairs {
      signature = { text = other:member({ number = 6 }).text, signature = record.signature },
      number = other:member { number = 1 << 60 }, addresses = other:member { addresses = { 1 } },
      ["unknown field"] = other:member { number = 7, more = 1 }, map = { text = "x", signature = ("x"):rep(64) },
    } do
      local code, message = liar:refusal("member", { records = { bad }, verdicts = {}, policies = {} })
      assert.equal("protocol", code)
      assert.matches(what, message)
    end
    assert.equal(5, inside.of(a).peer_list.members.roster.members[other.id].number)
  end)

  it("say anew what somebody has a newer record of", function()
    local net <close> = nodes.net()
    local a = net:start("a", named "a")
    local stranger <close> = strangers.meet(a)
    local roster = inside.of(a).peer_list.members.roster
    local before = roster.number
    local identity = inside.of(a).identity
    local later = strangers.forged(identity):member { number = before + 7, about = { name = "as it was before a backup was restored" } }
    assert(stranger:ask("member", { records = { later }, verdicts = {}, policies = {} }))
    assert.equal(before + 8, roster.number)
  end)

  it("are kept up to a bound", function()
    local _ <close> = limits { members = 2 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    local records = {}
    for i = 1, 5 do records[i] = strangers.forged():member() end
    assert(stranger:ask("member", { records = records, verdicts = {}, policies = {} }))
    assert.equal(2, #a:members())
    net:expect "room for 2 members only"
  end)

  it("are read again after damage: from those who are connected", function()
    local net <close> = nodes.net()
    local address = free_address()
    local a = net:start("a", named("a", { listen = address }))
    local b = net:start("b", named("b", { bootstrap = { address } }))
    wait_for(a, b.id, true)
    net:stop "a"
    local folder = net.folder:file "a/roster"
    for _, name in ipairs(stores.list(folder)) do
      local file <close> = assert(io.open(folder .. "/" .. name, "w"))
      file:write "\xffrubbish"
    end
    a = net:restart "a"
    net:expect "a error: .*'roster' in the root is damaged"
    assert.equal("b", wait_for(a, b.id, true).name)
  end)
end)

describe("a member that is forgotten", function()
  it("is no member any more and is let in nowhere, until that is undone", function()
    local net <close> = nodes.net()
    local a = net:start("a", named "a")
    local own = a:namespace().id
    local b = net:start("b", named("b", { bootstrap = { a.address }, operators = { own } }))
    local c = net:start("c", named("c", { bootstrap = { a.address, b.address } }))
    wait_for(a, c.id, true)
    wait_for(b, c.id, true)
    assert.equal(c.id, assert(a:forget "c").id)
    gone(a, c.id)
    gone(b, c.id)
    nodes.peers(c, 0)
    local peer, err = c:connect(b.address)
    assert.is_nil(peer)
    assert.equal("denied", err.code)
    net:expect("b .*it was removed from the members at .*filo forget %-%-undo " .. c.id:sub(1, 16))
    assert.equal("not_found", select(2, a:forget "c").code)
    net:restart "b"
    assert.equal("denied", select(2, c:connect(net.nodes.b.address)).code) -- it is kept
    assert.equal(c.id, assert(a:forget(c.id:sub(1, 8), { undo = true })).id)
    wait_for(a, c.id, true)
    wait_for(net.nodes.b, c.id, true)
  end)

  it("is not forgotten where who says so does not decide", function()
    local net <close> = nodes.net()
    local a = net:start("a", named "a")
    local b = net:start("b", named("b", { bootstrap = { a.address } }))
    local c = net:start("c", named("c", { bootstrap = { a.address } }))
    wait_for(b, c.id, true)
    local stranger <close> = strangers.meet(a)
    assert(stranger:ask("member", { records = {}, policies = {}, verdicts = { stranger:verdict(c.id, "forgotten") } }))
    assert.equal(c.id, wait_for(a, c.id, true).id)
    assert(b:forget(c.id))
    gone(b, c.id)
    assert.equal(c.id, wait_for(a, c.id, true).id)
    local false_one = stranger:verdict(c.id, "forgotten", { namespace = crypto.unhex(a:namespace().id) })
    assert.equal("protocol", (stranger:refusal("member", { records = {}, policies = {}, verdicts = { false_one } })))
  end)

  -- What did not count filled the messages, so that what did was never told; and who was given an operator heard nothing of him until
  -- he came again.
  it("is forgotten, however many others are by who does not decide; also once he does", simulated(function(net, host)
    local x, y = net:start "c", net:start "d"
    local operators = { x:namespace().id, y:namespace().id }
    local b = net:start("b", { bootstrap = { x.address, y.address }, operators = operators })
    for i = 1, 150 do assert(x:forget(("%064x"):format(i))) end
    local last = ("f"):rep(64)
    assert(y:forget(last))
    host.sleep(60)
    net:stop "c"
    net:stop "d"
    local a = net:start("a", { bootstrap = { b.address }, operators = { operators[2] } })
    host.sleep(60)
    local function is_forgotten(id) return (inside.of(a).peer_list.members.roster:is_forgotten(id)) end
    assert.is_true(is_forgotten(last))
    assert.is_false(is_forgotten(("%064x"):format(1)))
    local machine = net:machine "a"
    machine.options.operators = operators
    net.world:configure(machine)
    host.sleep(10)
    assert.is_true(is_forgotten(("%064x"):format(1)) and is_forgotten(("%064x"):format(150)))
  end))

  it("is forgotten, too, where another who does not decide has said more about it", simulated(function(net, host)
    local a = net:start "a"
    local b = net:start("b", { bootstrap = { a.address } })
    local c = net:start("c", { bootstrap = { a.address, b.address }, operators = { a:namespace().id } })
    local id = ("f"):rep(64)
    host.sleep(60)
    net:cut("a", "c")
    assert(b:forget(id))
    for _ = 1, 3 do
      assert(b:forget(id, { undo = true }))
      assert(b:forget(id))
    end
    host.sleep(300)
    assert(a:forget(id))
    host.sleep(300)
    net:mend("a", "c")
    host.sleep(600)
    assert.is_true((inside.of(c).peer_list.members.roster:is_forgotten(id)))
  end))

  -- Anybody who knows the secret could tell of any number, each of which was remembered.
  it("may be told off by who does not decide for so many, of more nothing is remembered", function()
    local net <close> = nodes.net()
    local a = net:start("a", named "a")
    local stranger <close> = strangers.meet(a)
    local last = 2240
    for first = 1, last, 64 do
      local verdicts = {}
      for i = 0, 63 do verdicts[i + 1] = stranger:verdict(("%064x"):format(first + i), "forgotten") end
      assert(stranger:ask("member", { records = {}, policies = {}, verdicts = verdicts }))
    end
    local remembered, roster = 0, inside.of(a).peer_list.members.roster
    for _ in pairs(roster.passed_over[stranger.id].numbers) do remembered = remembered + 1 end
    assert.equal(2048, remembered)
    local known = assert(stranger:ask("members", { known = "", policies_known = "" })).known
    assert.is_true(#known <= 2048 * 48 and #known > 2040 * 48)
  end)

  it("is named by its name, the start of its ID, or an ID that nobody knows", function()
    local net <close> = nodes.net()
    local a = net:start("a", named "same")
    local b = net:start("b", named("same", { bootstrap = { a.address } }))
    local c = net:start("c", named("same", { bootstrap = { a.address } }))
    wait_for(a, b.id, true)
    wait_for(a, c.id, true)
    local member, err = a:forget "same"
    assert.is_nil(member)
    assert.equal("invalid", err.code)
    assert.matches("several members 'same': give the start of an ID, of %x+, %x+", tostring(err))
    for _, node in ipairs { b, c } do assert.is_truthy(tostring(err):find(node.id:sub(1, 16), 1, true)) end
    assert.equal("not_found", select(2, a:forget "other").code)
    assert.equal("invalid", select(2, a:forget(a.id)).code)
    assert.is_truthy(a:forget(("5"):rep(64)))
    raises("forget: the name of a member expected", function() a:forget() end)
    raises("forget: .*unknown option 'why'", function() a:forget("x", { why = 1 }) end)
  end)

  it("has nothing any more that a deletion must wait for", function()
    local net <close> = nodes.net()
    local a = net:start("a", named "a")
    local b = net:start("b", named("b", { bootstrap = { a.address } }))
    wait_for(a, b.id, true)
    assert(a:store("key", "content"))
    net:stop "b"
    nodes.peers(a, 0)
    assert(a:forget(b.id))
    assert.same({}, assert(a:delete "key").unreached)
  end)
end)

describe("the policy of a namespace", function()
  local function policies_of(node) return inside.of(node).peer_list.members.roster.policies end

  it("is what its writers have said last, is passed on and kept", function()
    local net <close> = nodes.net()
    local a = net:start("a", named "a")
    local b = net:start("b", named("b", { bootstrap = { a.address } }))
    wait_for(a, b.id, true)
    local owner <close> = strangers.meet(a)
    local function tell(spec, number)
      assert(owner:ask("member", { records = {}, verdicts = {}, policies = { owner:policy(spec, number) } }))
    end
    local function known(node)
      local wish = policies_of(node):of(owner.keys:id())
      return wish and wish.spec
    end
    tell({ "copies", 2 }, 2)
    tell({ "copies", 9 }, 1)
    assert.same({ "copies", 2 }, known(a))
    nodes.wait(function() return known(b) end, "policy")
    b = net:restart "b"
    assert.same({ "copies", 2 }, known(b))
    tell("none", 3)
    nodes.wait(function() return known(net.nodes.b) == nil end, "newer policy")
    assert.equal(3, policies_of(a):of(owner.keys:id()).number)
  end)

  it("is nobody else's to say", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local liar <close> = strangers.meet(a)
    local owner = strangers.forged()
    local given = owner:policy({ "copies", 2 }, 1)
    given.signature = liar:policy({ "copies", 2 }, 1).signature
    assert.equal("protocol", (liar:refusal("member", { records = {}, verdicts = {}, policies = { given } })))
    assert.is_nil(policies_of(a):of(owner.keys:id()))
  end)
end)
