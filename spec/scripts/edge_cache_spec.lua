local crypto = require "filo.core.crypto"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local scripts = require "spec.support.scripts"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

describe("scripts/edge-cache.lua", function()
  it("fetches on demand, serves from its cache, evicts what was used least, accepts nothing", function()
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    local big = crypto.random(3 << 20)
    folder:write("files/big", big)
    folder:write("files/kleine Datei", "klein")
    assert.equal(0, scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers).status)

    local edge <close> = scripts.start(folder, "edge-cache", folder:file "edge", folder:file "root/identity", peers, "127.0.0.1:0", "2")
    local address = edge:expect "serving http://([%d.:]+)\n"
    local head, body
    repeat -- until its peers are connected
      head, body = scripts.http_get(address, "kleine%20Datei")
    until head:find "200" or edge:has_ended()
    assert.matches("^HTTP/1.1 200 OK\r\n.*content%-length: 5\r\n", head)
    assert.equal("klein", body)
    local deadline = filo.now() + 10
    repeat head, body = scripts.http_get(address, "kleine%20Datei") until head:find "x%-from: here" or filo.now() > deadline
    assert.matches("x%-from: here", head)
    assert.equal("klein", body)
    assert.equal(big, select(2, scripts.http_get(address, "big")))
    nodes.wait(function() return scripts.count_objects(folder, "edge") == 0 end, "room")
    head, body = scripts.http_get(address, "no%20such%20file")
    assert.matches("^HTTP/1.1 404", head)
    assert.matches("'no such file' is not here, and none of 2 peers has it", body)
    local second = scripts.run(folder, "edge-cache", folder:file "edge2", folder:file "root/identity", peers, address)
    assert.equal(1, second.status)
    assert.matches("edge%-cache.lua: port %d+ is in use", second.err)
    edge:kill "TERM"
    assert.equal("", edge:wait().err)
  end)
end)

-- What edge-cache.lua fetched for a client that then took nothing, or went away, stayed in the cache and was not counted: it grew beyond
-- its room.

local BIG = 24 << 20 -- more than the system takes for a client that does not read

local function ask(address, path)
  local connection = assert(filo.dial(address))
  assert(connection:write(("GET /%s HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"):format(path)))
  return connection
end

local function get(address, path)
  local connection <close> = ask(address, path)
  return connection:read("a", 20):match "^HTTP/1.1 (%d+) .-\r\n\r\n(.*)$"
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
    assert.matches("^HTTP/1.1 200", stalled:read("l", 20))
    assert.equal("404", (get(address, "nothing")))
    nodes.wait(function() -- it has come, and gone
      return #stores.list(net.folder:file "edge/tmp") == 0 and not nodes.exists(place)
    end, "room")
    assert.same({ "200", "content" }, { get(address, "small") })
    local taken = stalled:read("a", 20)
    assert.is_true(taken == nil or #taken < BIG)
  end)
end)
