local crypto = require "filo.core.crypto"
local http = require "spec.support.http"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local scripts = require "spec.support.scripts"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local function get(address, name) return http.ask(address, "GET", "/" .. name) end

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
    local answer
    repeat -- until its peers are connected
      answer = get(address, "kleine%20Datei")
    until answer.status == 200 or edge:has_ended()
    assert.same({ 200, "5", "klein" }, { answer.status, answer.headers["content-length"], answer.body })
    nodes.wait(function()
      answer = get(address, "kleine%20Datei")
      return answer.headers["x-from"] == "here"
    end, "copy here")
    assert.equal("klein", answer.body)
    assert.is_true(big == get(address, "big").body)
    nodes.wait(function() return scripts.count_objects(folder, "edge") == 0 end, "room")
    answer = get(address, "no%20such%20file")
    assert.equal(404, answer.status)
    assert.matches("'no such file' is not here, and none of 2 peers has it", answer.body)
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
    nodes.wait(function() return get(address, "small").status == 200 end, "peer")
    local stalled <close> = http.dial(address)
    stalled:send(http.text("GET", "/big"))
    assert.matches("^HTTP/1.1 200", stalled:up_to "\r\n")
    assert.equal(404, get(address, "nothing").status)
    nodes.wait(function() -- it has come, and gone
      return #stores.list(net.folder:file "edge/tmp") == 0 and not nodes.exists(place)
    end, "room")
    assert.equal("content", get(address, "small").body)
    assert.is_true(#stalled:rest() < BIG)
  end)
end)
