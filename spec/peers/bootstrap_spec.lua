local crypto = require "filo.core.crypto"
local filo = require "filo"
local free_address = require "spec.support.free_address"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local net_core = require "filo.core.net"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local simulated = require "spec.support.simulated"

describe("an address with the ID that must be there", function()
  it("is connected to when that node is there", function()
    local net <close> = nodes.net()
    local b = net:start "b"
    local a = net:start("a", { bootstrap = { { address = b.address, id = b.id:upper() } } })
    assert.equal(1, a:ready())
    assert.equal(b.id, assert(a:connect { address = b.address, id = b.id }).id)
  end)

  for _, tls in ipairs { true, false } do
    it("is refused when another is, " .. (tls and "with TLS" or "without"), function()
      local net <close> = nodes.net()
      local b = net:start("b", { tls = tls })
      local a = net:start("a", { tls = tls })
      local peer, err = a:connect { address = b.address, id = a.id }
      assert.is_nil(peer)
      assert.equal("denied", err.code)
      assert.equal(("cannot connect to %s: the node there is %s, not %s: is the address right?"):format(b.address, b.id, a.id),
        tostring(err))
      assert.equal(0, #a:peers())
      net:start("c", { tls = tls, bootstrap = { { address = b.address, id = a.id } } })
      net:expect "c error: cannot connect to .*: the node there is"
    end)
  end

  it("is checked", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for problem, given in pairs {
      ["an address is missing"] = {}, ["64 hex digits, not 'x'"] = { address = "127.0.0.1:1", id = "x" },
      ["unknown field 'ip'"] = { address = "127.0.0.1:1", ip = "x" },
    } do
      raises("connect: .*" .. problem, function() a:connect(given) end)
      raises("option 'bootstrap': .*" .. problem, function() net:start("b", { bootstrap = { given } }) end)
    end
  end)
end)

describe("bootstrap", function()
  it("connects as soon as the other node is there, and again after it was away", simulated(function(net, host)
    local address = net:machine("b").address
    local a = net:start("a", { bootstrap = { address } })
    assert.equal(0, a:ready())
    assert.equal(1, net:logged("a warning: .*" .. address))
    for _ = 1, 3 do
      net:start "b"
      host.sleep(host.limits.redial_most)
      assert.equal(1, #a:peers())
      net:stop "b"
      nodes.peers(a, 0)
    end
  end))

  it("says once, not at each try, that an address cannot be reached", simulated(function(net, host)
    local address = net:machine("b").address
    local a = net:start("a", { bootstrap = { address } })
    host.sleep(3600)
    assert.equal(1, net:logged(address))
    net:start "b"
    host.sleep(2 * host.limits.redial_most) -- and yet it has gone on trying
    assert.equal(1, #a:peers())
  end))

  it("keeps one connection though both nodes dial", function()
    local net <close> = nodes.net()
    for _ = 1, 10 do
      local first, second = free_address(), free_address()
      local a = net:start("a", { listen = first, bootstrap = { second } })
      local b = net:start("b", { listen = second, bootstrap = { first } })
      for _, node in ipairs { a, b } do
        node:ready()
        nodes.peers(node, 1)
        nodes.wait(function() return inside.of(node).peer_list.connections.count == 1 end, "end of the other connection")
      end
      b:handle("ping2", function() return "pong" end)
      assert.equal("pong", a:request(b.id, "ping2"))
      assert.equal(1, #assert(a:store("key", "x")).copies - 1)
      net:stop "a"
      net:stop "b"
    end
  end)

  it("may list many, some unreachable", function()
    local net <close> = nodes.net()
    local b, c = net:start "b", net:start "c"
    local a = net:start("a", { bootstrap = { b.address, free_address(), c.address, b.address } })
    assert.equal(2, a:ready())
  end)
end)

describe("node:ready", function()
  it("gives up after its deadline", function()
    local net <close> = nodes.net()
    local silent <close> = assert(filo.listen "127.0.0.1:0") -- accepts, and says nothing
    local b = net:start "b"
    local a = net:start("a", { bootstrap = { silent:address(), b.address } })
    nodes.peers(a, 1)
    assert.equal(1, a:ready(0))
  end)

  -- A script that needs some peers, and is dialled by them, had to look again and again.
  it("waits for a number of peers, whoever dials, no longer than it is told", simulated(function(net, host)
    local a = net:start "a"
    local waiting = host.spawn_child(a.ready, a, 60, 2)
    host.sleep(5)
    net:start("b", { bootstrap = { net:machine("a").address } })
    host.sleep(5)
    assert.equal("waiting", waiting:status())
    net:start("c", { bootstrap = { net:machine("a").address } })
    assert.equal(2, waiting:join())
    local began = host.now()
    assert.same({ 2, 2 }, { a:ready(60, 1), a:ready(60, 0) })
    assert.equal(began, host.now())
    assert.equal(2, a:ready(nil, 3))
    assert.equal(10, math.floor(host.now() - began + 0.5))
  end))

  it("does not wait for peers of a node that is closed", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local waiting = filo.spawn(a.ready, a, math.huge, 5)
    filo.sleep(0)
    a:close()
    assert.equal(0, waiting:join())
  end)
end)

-- Bootstrap gave an address up for good when a peer closed the connection because it had another to this node already.
describe("bootstrap", function()
  it("dials again after a peer that says that there is a connection already", function()
    local _ <close> = limits { rival = 0.3 }
    local net <close> = nodes.net()
    local identity = crypto.identity_generate()
    local tls <close> = assert(net_core.tls(identity))
    local listener <close> = assert(net_core.listen "127.0.0.1:0")
    local accepted = 0
    local accepting = filo.spawn(function()
      while accepted < 3 do
        local connection <close> = listener:accept { id = identity:raw_id(), tls = tls }
        assert(connection:ready())
        connection:close("exists", "a connection is there already")
        connection:receive()
        accepted = accepted + 1
      end
    end)
    net:start("a", { bootstrap = { listener:address() } })
    accepting:join(10)
    assert.equal(3, accepted)
  end)

  it("leaves its own address alone, without a word", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    a = net:restart("a", { bootstrap = { a.address } })
    assert.equal(0, a:ready())
    assert.same({}, inside.of(a).peer_list.bootstrap.untried)
    assert.is_nil(net:logged(a.address))
  end)
end)
