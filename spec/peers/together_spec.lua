---What all peers together may make a node hold. Each had bounds, and identities are to be had for nothing: 40 that did not read their
---answers took 838 MB, and any number of connections all descriptors.

local descriptors = require "spec.support.descriptors"
local filo = require "filo"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local MIB = 1 << 20

describe("answers that are not read", function()
  it("cost the peer that has most of them its connection, and no other", function()
    local _ <close> = limits { backlog = 12 * MIB }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local answer = ("x"):rep(MIB - 1000)
    a:handle("much", function() return answer end)
    local heavy <close> = strangers.meet(a, { tls = false })
    local light <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 2)
    light:request("much")
    for _ = 1, 60 do heavy:request("much") end
    nodes.peers(a, 1)
    assert.equal(light.id, a:peers()[1].id)
    assert.not_equal("busy", heavy:farewell()) -- what lay there is gone with it, and does not wait to be sent
    assert.equal(answer, (light:ask("much")))
  end)

  -- What is said to a peer that asks too much was counted nowhere.
  it("are counted also when they say that the node is busy", function()
    local _ <close> = limits { backlog = 100000, requests = 1 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local go_on, reason = filo.channel(), nil
    a:handle("wait", function() return go_on:receive() end)
    a:on("peer_down", function(_, err) reason = tostring(err) end)
    local stranger <close> = strangers.meet(a, { tls = false })
    for _ = 1, 60000 do
      if reason or not stranger:say { id = 1, topic = "wait" } then break end
    end
    nodes.wait(function() return reason end, "end of a peer that does not read")
    assert.matches("it does not read what is sent to it, and others wait", reason)
    go_on:close()
  end)

  it("are waited for while there is room", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local answer = ("x"):rep(MIB - 1000)
    a:handle("much", function() return answer end)
    local stranger <close> = strangers.meet(a, { tls = false })
    local sent = {}
    for i = 1, 15 do sent[i] = stranger:request("much") end
    for i = 15, 1, -1 do assert.equal(#answer, #stranger:reply(sent[i])) end
    assert.equal(1, #a:peers())
  end)
end)

describe("requests of all peers", function()
  it("are served up to so many bytes; then each may have a part", function()
    local _ <close> = limits { requests_of_all = 100000, request_cost = 1, request_part = 40000 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local go_on = filo.channel()
    a:handle("wait", function(body)
      go_on:receive()
      return #body
    end)
    local one <close> = strangers.meet(a)
    local other <close> = strangers.meet(a)
    local body, sent = ("x"):rep(30000), {}
    for i = 1, 5 do sent[i] = one:request("wait", body) end
    assert.equal("busy", select(2, one:reply(sent[5])).code)
    assert.equal("busy", select(2, one:reply(sent[4])).code)
    local first = other:request("wait", body)
    assert.equal("busy", (other:refusal("wait", body)))
    go_on:close()
    for i = 1, 3 do assert.equal(#body, (one:reply(sent[i]))) end
    assert.equal(#body, (other:reply(first)))
    assert.equal(#body, (one:ask("wait", body)))
  end)
end)

describe("reads of all peers", function()
  it("are served up to so many; then each may have one", function()
    local _ <close> = limits { reads = 2 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local one <close> = strangers.meet(a, { tls = false })
    local other <close> = strangers.meet(a, { tls = false })
    local forged = forge(one.keys, { content = "content" })
    assert(one:ask("store", { record = forged.record, body = forged.hashes .. forged.content }))
    local read = {
      namespace = forged.namespace, key_hash = forged.key_hash, version = forged.version, hashes = true, first = 0, count = 1,
    }
    assert(one:ask("read", read))
    assert(one:ask("read", read))
    assert.equal("busy", (one:refusal("read", read)))
    assert(other:ask("read", read))
    assert.equal("busy", (other:refusal("read", read)))
  end)
end)

describe("peers that came", function()
  it("are so many at most: one makes room for the next", function()
    local _ <close> = limits { peers = 3 }
    local net <close> = nodes.net()
    local dialled = net:start "b"
    local a = net:start("a", { bootstrap = { dialled.address } })
    local came = {}
    local _ <close> = setmetatable({}, { __close = function()
      for _, each in ipairs(came) do each:close() end
    end })
    for i = 1, 8 do came[i] = strangers.meet(a) end
    nodes.wait(function()
      local gone = 0
      for _, each in ipairs(came) do gone = gone + (each.gone and 1 or 0) end
      return gone == 5
    end, "end of those for whom there is no room")
    nodes.peers(a, 4)
    assert.is_table(inside.of(a).peer_list:get(dialled.id))
  end)

  it("were never there when they have to leave at once", function()
    local _ <close> = limits { peers = 1 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local here, came = {}, 0
    a:on("peer_up", function(peer) here[peer.id], came = true, came + 1 end)
    a:on("peer_down", function(peer)
      assert(here[peer.id])
      here[peer.id] = nil
    end)
    local refused = 0
    local one <close> = strangers.meet(a)
    nodes.peers(a, 1)
    for _ = 1, 200 do
      local other <close> = strangers.meet(a)
      nodes.wait(function() return one.gone or other.gone end, "end of one of them")
      if one.gone then break end
      refused = refused + 1
      assert.equal("busy", other.gone.code)
    end
    nodes.peers(a, 0)
    assert.is_true(one.gone ~= nil)
    assert.equal(2, came)
    assert.is_nil(next(here))
    assert.is_nil(net:logged "the hook")
  end)

  -- It takes a while until one has gone that does not hang up itself; meanwhile it counted nowhere, and each had a descriptor.
  it("count until they have gone, and no more are accepted while too many are there", function()
    local _ <close> = limits { peers = 1, accepted = 4 }
    local net <close> = nodes.net()
    local came, before, most = {}, nil, 0
    local function count()
      local open = 0
      for _, target in pairs(descriptors()) do
        if target:find "^socket:" then open = open + 1 end -- other tasks read files meanwhile
      end
      return open
    end
    local a = net:start("a", { tls = false, admit = function()
      most = math.max(most, count() - before - #came)
      return true
    end })
    local _ <close> = setmetatable({}, { __close = function()
      for _, each in ipairs(came) do each:close() end
    end })
    before = count()
    for i = 1, 24 do
      local stranger = strangers.call(a, { tls = false })
      came[i] = stranger
      if i > 8 then -- what breaks the protocol lies there when it is let in, or is not
        stranger.line:write(wire.value(stranger:hello()) .. wire.value(stranger:welcome()) .. wire.value "no map")
        assert(assert(stranger:hear()).hello)
      else
        stranger:greet()
      end
    end
    assert.is_true(most <= 10, ("the node had %d connections"):format(most)) -- some 6
  end)
end)

-- 256 of them could each keep 1 MiB of a node's memory with a message of which the last byte never came.
describe("messages that have not come whole", function()
  it("fill so much at most; who has most of it then, and for longest, is closed", function()
    local ROOM = 64
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    a:handle("long", function(body) return #body end)
    local came = {}
    local _ <close> = setmetatable({}, { __close = function()
      for _, each in ipairs(came) do each:close() end
    end })
    local body = ("x"):rep(MIB - 1000)
    local message = wire.value { id = 1, topic = "long", body = body }
    local light <close> = strangers.meet(a, { tls = false })
    local short = wire.value { id = 1, topic = "long", body = body:sub(1, 100000) }
    light.line:write(short:sub(1, -2))
    for i = 1, ROOM + 1 do
      came[i] = strangers.meet(a, { tls = false })
      came[i].line:write(message:sub(1, -2))
    end
    assert.equal("busy", came[1]:farewell())
    light.line:write(short:sub(-1))
    assert.equal(100000, (light:reply(1)))
    for i = 3, ROOM + 1 do
      came[i].line:write(message:sub(-1))
      assert.equal(#body, (came[i]:reply(1)))
    end
  end)
end)
