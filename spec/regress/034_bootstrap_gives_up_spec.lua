-- Bootstrap gave an address up for good when a peer closed the connection because it had another to this node already.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local limits = require "spec.support.limits"
local net_core = require "filo.core.net"
local nodes = require "spec.support.nodes"

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
    nodes.wait(function() return accepted == 3 end, "third call")
    accepting:join()
  end)

  it("leaves its own address alone, without a word", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    a = net:restart("a", { bootstrap = { a.address } })
    assert.equal(0, a:ready())
    assert.same({}, a.peer_list.bootstrap.untried)
    assert.is_nil(net:logged(a.address))
  end)
end)
