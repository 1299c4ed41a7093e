-- A peer that had died stayed in the map, and every later call failed because of it.

local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local PEER = [[
  local filo = require "filo"
  local node <close> = assert(filo.node {
    root = arg[1], listen = arg[4] or "127.0.0.1:0", bootstrap = { arg[2] }, cluster = arg[3], reserve = 0, log = function() end,
  })
  print("at " .. node.address)
  io.stdout:flush()
  node:wait()
]]

describe("a peer whose process was killed", function()
  it("leaves the map, and calls go on without it; when it is back, it is a peer again", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local a = net:start "a"
    local b = net:start("b", { bootstrap = { a.address } })
    nodes.peers(a, 1)
    local script = folder:write("peer.lua", PEER)
    local down = nodes.events(a, "peer_down")
    local address
    for round = 1, 3 do
      local child <close> = process.start { script, folder:file "root", a.address, nodes.SECRET, address }
      address = child:expect "at (%S+)\n"
      nodes.peers(a, 2)
      local id = a:peers()[1].id == b.id and a:peers()[2].id or a:peers()[1].id
      assert.equal(3, #assert(a:store("before " .. round, "content")).copies)
      child:kill "KILL"
      child:wait()
      nodes.peers(a, 1)
      assert.equal(id, down().id)
      assert.same({ a.id, b.id }, nodes.stored(a:store("key", "content")).copies)
      assert(a:evict "key")
      assert.equal("content", nodes.content(a, "key"))
      assert.equal(2, #assert(a:delete "key").copies)
      assert.same({ b.id }, { (next(a:broadcast "nothing")) })
      local answer, err = a:request(id, "nothing")
      assert.is_nil(answer)
      assert.equal("unreachable", err.code)
    end
  end)
end)
