-- Two nodes that ran with one identity took the connection to a peer from each other for ever.

local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

local function copy_identity(net, from, to)
  assert(os.execute(("mkdir -m 700 %s && cp -p %s/identity %s"):format(net.folder:file(to), net.folder:file(from), net.folder:file(to))))
end

describe("two nodes with one identity", function()
  it("do not take a peer from each other; the second is told", function()
    local _ <close> = limits { rival = 0.3 }
    local net <close> = nodes.net()
    local b = net:start "b"
    local ups, downs = 0, 0
    b:on("peer_up", function() ups = ups + 1 end)
    b:on("peer_down", function() downs = downs + 1 end)
    local a = net:start("a", { bootstrap = { b.address } })
    nodes.peers(b, 1)
    copy_identity(net, "a", "twin")
    local twin = net:start("twin", { bootstrap = { b.address } })
    net:expect "twin warning: .*same identity"
    net:expect "b warning: .*a node with this ID is connected already"
    local peer, err = twin:connect(b.address)
    assert.is_nil(peer)
    assert.equal("exists", err.code)
    assert.matches("^cannot connect to " .. b.address .. ": the peer is connected to this node already, or to another node that runs"
      .. " with the same identity", tostring(err))
    assert.same({ 1, 0, 1, 1, 0 }, { ups, downs, #b:peers(), #a:peers(), #twin:peers() })
  end)

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
  it("takes over when the first has fallen silent", function()
    local _ <close> = limits { rival = 0.05 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local silent <close> = strangers.meet(a)
    silent:on("ping", function() end)
    nodes.peers(a, 1)
    local first = a:peers()[1]
    local second <close> = strangers.meet(a, { identity = silent.identity })
    nodes.wait(function() return a:peers()[1] ~= first end, "second connection")
    assert.equal(1, #a:peers())
    assert.same({ answer = 5 }, { answer = (second:on("sum", function() return { body = 5 } end) or a:request(second.id, "sum")) })
  end)
end)
