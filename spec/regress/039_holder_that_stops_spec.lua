-- A holder that stopped sending, or did not answer, held a get up for half a minute each time; it was not given up for another while the
-- list of hashes was fetched.

local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local strangers = require "spec.support.stranger"

local BIG = (80 << 20) + 5

describe("a holder that stops sending", function()
  ---Node a, connected to a peer in a process of its own, which can be stopped.
  local function with_process(net)
    local child = process.start {
      "scripts/peer.lua", net.folder:file "child", "127.0.0.1:0", env = { FILO_SECRET_FILE = net.folder:write("secret", nodes.SECRET) },
    }
    local a = net:start "a"
    assert(a:connect((child:expect "node %x+ at (%S+)")))
    return a, child
  end

  it("is given up for another", function()
    local _ <close> = limits { stall = 0.1 }
    local net <close> = nodes.net()
    local a, child = with_process(net)
    local _ <close> = child
    local holder = a:peers()[1]
    local b = net:start "b"
    assert(a:connect(b.address))
    nodes.peers(a, 2)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    assert(a:evict "key")
    local find, messages = b.peer_list.handlers.find, holder.connection:stats().messages_in
    b.peer_list:handle("find", function(...)
      nodes.wait(function() return holder.connection:stats().messages_in > messages end, "answer of the other")
      child:kill "STOP"
      return find(...)
    end)
    assert.equal(content, nodes.content(a, "key"))
    assert.is_truthy(net:logged "a warning: a copy from .* is given up: it sends nothing"
      or net:logged "a warning: a copy from .* is given up: .* did not answer 'read' in time")
  end)

  it("ends a get with an error when it is the only one; what has come is kept", function()
    local _ <close> = limits { stall = 0.1, last_stall = 0.3 }
    local net <close> = nodes.net()
    local a, child = with_process(net)
    local _ <close> = child
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    assert(a:evict "key")
    local object <close> = assert(a:get "key")
    assert.equal(content:sub(1, 10), object:read(10))
    child:kill "STOP"
    local rest, err = object:read "a"
    assert.is_nil(rest)
    assert.equal("timeout", err.code)
    assert.matches("peer " .. a:peers()[1].id:sub(1, 16) .. " .* sends nothing", tostring(err))
    child:kill "CONT"
    assert.equal(content, nodes.content(a, "key"))
  end)
end)

describe("a holder that does not answer", function()
  local function silent_holder(a, key)
    local stranger = strangers.meet(a)
    local answer = stranger:ask("find", { namespace = a.namespace, key_hash = a:key_hash(key) })
    stranger:on("find", function() return { body = { record = answer.record } } end)
    stranger:on("read", function() end)
    return stranger
  end

  it("is given up for another", function()
    local _ <close> = limits { stall = 0.1 }
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local content = nodes.bytes(BIG)
    assert(a:store("key", content))
    local stranger <close> = silent_holder(a, "key")
    nodes.peers(a, 2)
    for _ = 1, 3 do
      nodes.wait(function() return a:evict "key" end, "copy here")
      assert.equal(content, nodes.content(a, "key"))
    end
    assert.is_truthy(net:logged("a warning: a copy from peer " .. stranger.id:sub(1, 16) .. " .* is given up"))
    assert.equal(2, #a:peers())
  end)

  it("ends a get with an error when it is the only one", function()
    local _ <close> = limits { stall = 0.1, last_stall = 0.3 }
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(BIG)))
    local stranger <close> = silent_holder(a, "key")
    nodes.peers(a, 1)
    assert(a:evict "key")
    local content, err = nodes.content(a, "key")
    assert.is_nil(content)
    assert.equal("timeout", err.code)
    assert.matches("peer " .. stranger.id:sub(1, 16), tostring(err))
  end)
end)
