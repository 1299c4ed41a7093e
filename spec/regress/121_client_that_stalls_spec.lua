-- What edge-cache.lua fetched for a client that then took nothing, or went away, stayed in the cache and was not counted: it grew beyond
-- its room.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local stores = require "spec.support.stores"

local BIG = 24 << 20 -- more than the system takes for a client that does not read

local function ask(address, path)
  local connection = assert(filo.dial(address))
  assert(connection:write(("GET /%s HTTP/1.1\r\n\r\n"):format(path)))
  return connection
end

local function get(address, path)
  local connection <close> = ask(address, path)
  return connection:read("a", 20):match "^HTTP/1.0 (%d+) .-\r\n\r\n(.*)$"
end

describe("a client of edge-cache.lua that takes nothing", function()
  it("is given up, keeps nobody waiting, and what it asked for makes room again", function()
    local net <close> = nodes.net()
    local owner, peer = net:cluster(2)
    assert(owner:store("big", nodes.bytes(BIG)))
    assert(owner:store("small", "content"))
    net:stop "a"
    local place = nodes.place(owner, { root = net.folder:file "edge" }, "big")
    local edge <close> = process.start {
      "-l", "spec.support.impatient", "scripts/edge-cache.lua", net.folder:file "edge", owner.root .. "/identity", peer.address,
      "127.0.0.1:0", "2", env = { FILO_SECRET_FILE = net.folder:write("secret", nodes.SECRET) },
    }
    local address = edge:expect "serving http://([%d.:]+)\n"
    nodes.wait(function() return get(address, "small") == "200" end, "peer")
    local stalled <close> = ask(address, "big")
    assert.matches("^HTTP/1.0 200", stalled:read("l", 20))
    assert.equal("404", (get(address, "nothing")))
    nodes.wait(function() -- it has come, and gone
      return #stores.list(net.folder:file "edge/tmp") == 0 and not nodes.exists(place)
    end, "room")
    assert.same({ "200", "content" }, { get(address, "small") })
    local taken = stalled:read("a", 20)
    assert.is_true(taken == nil or #taken < BIG)
  end)
end)
