local Client = require "filo.command.control.client"
local control = require "filo.command.control"
local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local wire = require "filo.command.control.wire"

---Calls fn(client, a, net) with a node that answers at its socket and has a peer.
local function asked(fn)
  local net <close> = nodes.net()
  local a = net:cluster(2)
  assert(control.serve(a))
  local client <close> = assert(Client.open(a.root))
  fn(client, a, net)
end

local function open(net, content)
  net.folder:write("file", content)
  return assert(io.open(net.folder:file "file", "rb"))
end

describe("the socket of a node", function()
  it("is asked for what the node does", function()
    asked(function(client, a, net)
      local file <close> = open(net, "content")
      local receipt = assert(client:call("store", { key = "k", name = "file" }, nil, file))
      assert.equal(2, #receipt.copies)
      assert.equal("content", nodes.content(a, "k"))
      assert.equal(7, assert(client:call("stat", { key = "k" })).size)
      assert(client:call("evict", { key = "k" }))
      assert.equal("here", assert(client:call("fetch", { key = "k" })).from)
      assert.is_true(client:call("verify", { key = "k" }))
      local survey = assert(client:call("copies", { key = "k" }))
      assert.same({ 2, 2, inside.of(a).policy.name }, { #survey.copies, survey.quorum, survey.policy })
      assert.equal(a:peers()[1].id, client:call("peers")[1].id)
      local status = client:call "status"
      assert.same({ a.id, a.root, a.address, 1 }, { status.id, status.root, status.address, status.peers })
      assert(client:call("delete", { key = "k" }))
      refused("not_found", client:call("stat", { key = "k" }))
    end)
  end)

  it("stores again only what has changed, or lacks copies", function()
    asked(function(client, a, net)
      local file <close> = open(net, "content")
      local ask = { key = "k" }
      assert(client:call("store", ask, nil, file))
      local version = a:stat("k").version
      assert.is_true(client:call("store", ask, nil, file).unchanged)
      assert.equal(version, a:stat("k").version)
      net:start("c", { bootstrap = { a.address } })
      nodes.peers(a, 2)
      assert.equal(3, #assert(client:call("store", ask, nil, file)).copies) -- the policy wants one more by now
      assert.equal(version, a:stat("k").version)
      assert.is_nil(assert(client:call("store", { key = "k", force = true }, nil, file)).unchanged)
      local another <close> = open(net, "changed")
      assert.is_nil(assert(client:call("store", ask, nil, another)).unchanged)
    end)
  end)

  it("tells how far something is", function()
    asked(function(client, _, net)
      local file <close> = open(net, nodes.bytes(32 << 20))
      local events = {}
      assert(client:call("store", { key = "k" }, function(event) events[#events + 1] = event end, file))
      for _, event in ipairs(events) do
        for _, each in ipairs(event.moving) do assert.equal("k", each.key) end
      end
    end)
  end)

  it("answers misuse and what it does not know with errors", function()
    asked(function(client)
      assert.matches("must be a string", refused("invalid", client:call("stat", { key = 5 })))
      refused("invalid", client:call("stat", { key = "" }))
      refused("invalid", client:call("store", { key = "k" }))
      assert.matches("no call 'nonsense'", refused("unsupported", client:call "nonsense"))
      refused("unsupported", client:call "__index")
      assert.is_truthy(client:call "status") -- and goes on
    end)
  end)

  it("ends what is asked when the asker interrupts it, or goes", function()
    asked(function(client, a)
      local held = filo.channel(1)
      a:on("before_delete", function()
        held:send(true)
        filo.sleep(60)
      end)
      assert(a:store("k", "content"))
      local waiting = filo.spawn(function() return client:call("delete", { key = "k" }) end)
      held:receive(10)
      client:interrupt()
      refused("cancelled", waiting:join(10))
      assert.equal("content", nodes.content(a, "k"))
      waiting = filo.spawn(function() return client:call("delete", { key = "k" }) end):observe()
      held:receive(10)
      client:close()
      waiting:cancel()
      local other <close> = assert(Client.open(a.root))
      assert.equal("content", nodes.content(a, "k"))
      assert.is_truthy(other:call "status")
    end)
  end)

  it("closes on garbage, and goes on for others", function()
    asked(function(client, a)
      for _, bytes in ipairs { "\255\255\255\255", "\0\0\0\1\255", "\0\0\0\1\0", "GET / HTTP/1.0\r\n\r\n" } do
        local raw <close> = assert(filo.dial("unix:" .. control.path(a.root)))
        raw:write(bytes)
        assert.is_nil((raw:read(1, 10)))
      end
      local raw <close> = assert(filo.dial("unix:" .. control.path(a.root)))
      wire.send(raw, { call = "status", ask = 5 })
      assert.is_truthy(assert(wire.receive(raw)).result)
      wire.send(raw, { call = "store", file = true })
      wire.send(raw, { call = "status" }) -- bytes in the place of a file
      assert.is_nil((wire.receive(raw)))
      assert.is_truthy(client:call "status")
    end)
  end)

  it("goes with the node, and says so", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(control.serve(a))
    refused("exists", control.serve(a))
    local client <close> = assert(Client.open(a.root))
    net:stop "a"
    refused("not_running", client:call "status")
    assert.is_false(nodes.exists(control.path(a.root)))
    assert.matches("no node runs on", refused("not_running", Client.open(a.root)))
  end)
end)

-- Two things that a node had to tell a client at once, while the client was slow to read, raised an error in one of them: a prompt within
-- the node waited for ever for what came of its line.

local PIECES, SIZE = 60, 100000 -- in all much more than lies unsent without waiting

---Two tasks print, and the line ends meanwhile.
local LINE = ([[
  local function print_all() for _ = 1, %d do print(("x"):rep(%d)) end end
  filo.spawn(print_all) filo.spawn(print_all)
  filo.sleep(0)
  return 7
]]):format(PIECES, SIZE)

describe("a client that is slow to read", function()
  it("gets all that its node tells it, from whichever task", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(control.serve(a))
    local client <close> = assert(Client.open(a.root))
    assert(wire.send(client.connection, { call = "evaluate", ask = { source = LINE, number = 1 } }))
    for _ = 1, 100 do filo.sleep(0) end -- the node fills all room
    local printed, text = 0, nil
    while printed < 2 * PIECES or not text do
      local message = assert(filo.timeout(20, wire.receive, client.connection))
      if message.event then printed = printed + 1 else text = message.result.text end
    end
    assert.same({ 2 * PIECES, "7" }, { printed, text })
  end)
end)
