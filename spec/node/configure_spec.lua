local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local strangers = require "spec.support.stranger"

---The options that a node was started with, with others in their place.
local function changed(net, name, other)
  local options = {}
  for option, value in pairs(net.options[name]) do options[option] = value end
  for option, value in pairs(other) do
    if value == nodes.NONE then options[option] = nil else options[option] = value end
  end
  return options
end

describe("node:configure", function()
  it("changes what the node says of itself, which its field tells", function()
    local net <close> = nodes.net()
    local a = net:start("a", { about = { zone = "home", tags = { "ssd" } } })
    assert.same({ zone = "home", tags = { "ssd" } }, a.about)
    assert.same({}, a:configure(changed(net, "a", { about = { zone = "attic" } })))
    assert.same({ zone = "attic" }, a.about)
  end)

  it("connects to what is new in bootstrap, and redials no more what is gone from it, and no member", function()
    local net <close> = nodes.net()
    local a, c = net:start "a", net:start "c"
    local b = net:start("b", { admit = function() return true end, cluster = nodes.NONE })
    local change = { admit = function() return true end, cluster = nodes.NONE } -- so none that is met is a member
    change.bootstrap = { b.address }
    assert.same({}, a:configure(changed(net, "a", change)))
    assert.equal(1, a:ready())
    change.bootstrap, change.cluster = { c.address }, nodes.SECRET
    assert.same({}, a:configure(changed(net, "a", change)))
    assert.equal(2, a:ready())
    net:restart "b"
    for _ = 1, 2 do
      net:restart "c"
      nodes.peer(a, c.id)
    end
    assert.is_nil(inside.of(a).peer_list:get(b.id))
  end)

  it("lets those who wait be ready when what they wait for is no longer wanted", function()
    local net <close> = nodes.net()
    local a, b = net:start "a", net:start "b"
    local silent <close> = assert(require("filo.core.net").listen "127.0.0.1:0")
    a:configure(changed(net, "a", { bootstrap = { silent:address() } }))
    local ready = require("filo").spawn(function() return a:ready(60) end)
    require("filo").sleep(0)
    a:configure(changed(net, "a", { bootstrap = { b.address } }))
    assert.equal(1, ready:join(30))
  end)

  -- Peers were told of it only when they connected anew.
  it("tells connected peers what is said about this node now", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local peer = b:peers()[1]
    assert.same({}, a:configure(changed(net, "a", { about = { zone = "a" } })))
    nodes.wait(function() return peer.about.zone == "a" end, "news of the zone")
    assert.equal(peer, b:peers()[1])
    a:configure(changed(net, "a", { about = {} }))
    nodes.wait(function() return peer.about.zone == nil end, "news of no zone")
  end)

  it("changes who is let in: secret, list, function", function()
    local net <close> = nodes.net()
    local a, b = net:start("a", { cluster = nodes.NONE }), net:start "b"
    assert.equal("denied", select(2, b:connect(a.address)).code)
    a:configure(changed(net, "a", { peers = { b.id:upper() } }))
    b:configure(changed(net, "b", { peers = { a.id } }))
    assert.equal(a.id, assert(b:connect(a.address)).id)
    local c = net:start "c"
    assert.equal("denied", select(2, c:connect(a.address)).code)
    a:configure(changed(net, "a", { cluster = nodes.SECRET }))
    assert.equal(a.id, assert(c:connect(a.address)).id)
    nodes.peers(a, 2)
    local d = net:start "d"
    a:configure(changed(net, "a", { admit = function() return false, "closed today" end }))
    assert.equal("denied", select(2, d:connect(a.address)).code)
  end)

  -- A secret was changed because somebody else had learnt it, and whoever was connected stayed until a restart.
  it("drops who has proved only the old secret, and lets in again who has the new one", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local b = net:start("b", { bootstrap = { a.address } })
    local c = net:start("c", { bootstrap = { a.address }, peers = { a.id } })
    nodes.peers(a, 2)
    local gone = {}
    a:on("peer_down", function(peer, err) gone[#gone + 1] = { peer.id, err.code } end)
    assert.same({}, a:configure(changed(net, "a", { cluster = "a new secret", peers = { c.id } })))
    assert.is_nil(inside.of(a).peer_list:get(b.id))
    assert.equal(c.id, a:peers()[1].id)
    nodes.wait(function() return #gone > 0 end, "a hook that tells")
    assert.same({ { b.id, "denied" } }, gone)
    assert.equal("denied", select(2, b:connect(a.address)).code)
    b:configure(changed(net, "b", { cluster = "a new secret" }))
    nodes.peers(a, 2)
    assert.is_truthy(inside.of(a).peer_list:get(b.id))
  end)

  it("drops who is no longer listed, or whom the function refuses by now, and nobody else", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local b = net:start("b", { bootstrap = { a.address } })
    nodes.peers(a, 1)
    local peer = inside.of(a).peer_list:get(b.id)
    a:configure(changed(net, "a", {}))
    a:configure(changed(net, "a", { admit = function() return nil end }))
    assert.equal(peer, inside.of(a).peer_list:get(b.id))
    a:configure(changed(net, "a", { cluster = nodes.NONE, peers = { b.id } }))
    assert.equal(peer, inside.of(a).peer_list:get(b.id))
    a:configure(changed(net, "a", { peers = { b.id }, admit = function() return false, "closed today" end }))
    assert.is_nil(inside.of(a).peer_list:get(b.id))
    a:configure(changed(net, "a", { cluster = nodes.NONE }))
    assert.equal("denied", select(2, b:connect(a.address)).code)
  end)

  it("does not let in by the old secret who was waiting for a welcome", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = strangers.call(a, { tls = false })
    stranger:say(stranger:hello())
    while not assert(stranger:hear()).welcome do end
    a:configure(changed(net, "a", { cluster = "a new secret" }))
    stranger:say { welcome = { free = 0 } }
    assert.equal("denied", stranger:farewell())
    assert.same({}, a:peers())
  end)

  it("changes where copies go and how content is stored", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert.equal(2, #assert(a:store("x", "1")).copies)
    a:configure(changed(net, "a", { policy = { name = "a test", place = function() return {} end, quorum = 1 }, encrypt = false }))
    local receipt = assert(a:store("y", "2"))
    assert.equal(1, #receipt.copies)
    assert.is_false(a:stat("y").encrypted)
  end)

  it("names what waits for a restart", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local other = { listen = "127.0.0.1:1", durability = "full", path = { digest = "md5" }, about = { zone = "x" }, reserve = 5 }
    assert.same({ "durability", "listen", "path", "reserve" }, a:configure(changed(net, "a", other)))
    assert.same({}, a:configure(changed(net, "a", {})))
    assert.equal("127.0.0.1", a.address:match "^[^:]+")
  end)

  it("changes nothing when an option is wrong, which is an error at its caller's line", function()
    local net <close> = nodes.net()
    local a, b = net:start "a", net:start "b"
    local function try(other) return function() a:configure(changed(net, "a", other)) end end
    raises("^spec/node/configure_spec.lua:%d+: filo.node: unknown option 'bootstap'; did you mean 'bootstrap'?",
      try { bootstrap = { b.address }, bootstap = {} })
    raises("'policy'", try { bootstrap = { b.address }, policy = 5 })
    raises("'bootstrap'", try { encrypt = false, bootstrap = { b.address, { address = "127.0.0.1:1", id = "x" } } })
    assert.equal(0, a:ready())
    assert.is_true(inside.of(a).options.encrypt)
  end)
end)
