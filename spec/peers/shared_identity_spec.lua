-- Two nodes that ran with one identity took the connection to a peer from each other for ever.

local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

local function copy_identity(net, from, to)
  assert(os.execute(("mkdir -m 700 %s && cp -p %s/identity %s"):format(net.folder:file(to), net.folder:file(from), net.folder:file(to))))
end

describe("two nodes with one identity", function()
  it("do not take a peer from each other; the second is told", simulated(function(net, host)
    local b = net:start "b"
    local address = net:machine("b").address
    local ups, downs = 0, 0
    b:on("peer_up", function() ups = ups + 1 end)
    b:on("peer_down", function() downs = downs + 1 end)
    local a = net:start("a", { bootstrap = { address } })
    nodes.peers(b, 1)
    net:machine("c").disk.identities = net:machine("a").disk.identities
    local twin = net:start("c", { bootstrap = { address } })
    host.sleep(3600)
    assert.is_true(net:logged "c warning: .*same identity" > 0)
    assert.is_true(net:logged "b warning: .*a node with this ID is connected already" > 0)
    local peer, err = twin:connect(address)
    assert.is_nil(peer)
    assert.equal("exists", err.code)
    assert.matches("^cannot connect to " .. address .. ": the peer is connected to this node already, or to another node that runs"
      .. " with the same identity", tostring(err))
    assert.same({ 1, 0, 1, 1, 0 }, { ups, downs, #b:peers(), #a:peers(), #twin:peers() })
  end))

  it("do not take each other for themselves", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    copy_identity(net, "a", "twin")
    local twin = net:start "twin"
    local peer, err = twin:connect(a.address)
    assert.is_nil(peer)
    assert.equal("denied", err.code)
    assert.matches("another node is running with this node's identity", tostring(err))
  end)
end)

describe("a second connection of a peer", function()
  it("takes over when the first has fallen silent", simulated(function(net, host)
    local _, b = net:cluster(2)
    local first = b:peers()[1]
    net:machine("a"):crash(true) -- which nobody is told of
    net:restart("a"):handle("sum", function() return 5 end)
    host.sleep(2 * host.limits.rival) -- less than it takes until the first is given up without a second
    assert.equal(1, #b:peers())
    assert.not_equal(first, b:peers()[1])
    assert.equal(5, b:request(first.id, "sum"))
  end))
end)

-- Two nodes that dial each other at the same time have two connections, of which one goes: that was told as if two nodes had one identity.
describe("nodes that dial each other", function()
  it("are warned of nothing", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, pair in ipairs { { a, b }, { b, a }, { a, b } } do assert(pair[1]:connect(pair[2].address)) end
    assert.matches("info: ", net:expect "a node with this ID is connected already")
    assert.is_nil(net:logged "warning: .*a node with this ID is connected already")
  end)
end)
