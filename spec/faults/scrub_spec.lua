---Scrubbing and healing while things go wrong: a disk that fails reads, or is full, a process that is killed, a catalogue that is made.

local deaf = require "spec.support.deaf"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local small_disk = require "spec.support.disk"
local temp = require "spec.support.temp"

local MIB = 1 << 20

local SCRUB = [[
  local filo = require "filo"
  require("filo.host.limits").heal_again = 0.05
  local node <close> = assert(filo.node {
    root = arg[1], bootstrap = { arg[2] }, cluster = arg[3], durability = "none", reserve = 0, log = function() end,
  })
  assert(node:ready(20, 1) == 1)
  for _ = 1, tonumber(arg[4]) do
    local report = node:scrub()
    print(report.bad, report.healed, report.wanted)
    if report.healed == 1 then break end
  end
]]

describe("a scrub where a part of a copy cannot be read", function()
  it("leaves it, and puts a peer's in its place when that shows once more", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", nodes.bytes(3 * MIB)))
    local place = nodes.place(a, a, "key")
    net:stop "a"
    local function run(times) return deaf.run(net.folder, "pread64@" .. MIB, SCRUB, a.root, b.address, nodes.SECRET, times) end
    assert.equal("1\t0\t1\n", run "1")
    assert.is_true(nodes.exists(place))
    local out = run "20" -- what is put in its place cannot be read either
    assert.matches("^1\t0\t1\n", out)
    assert.matches("\n1\t1\t0\n$", out)
    a = net:restart "a"
    assert.same({ 0, 0 }, { a:scrub().bad, a:scrub().wanted })
    assert.is_true(nodes.bytes(3 * MIB) == nodes.content(a, "key"))
  end)
end)

describe("healing on a full disk", function()
  it("waits until there is room, and says so", function()
    local disk <close> = small_disk.mount(12 * MIB) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a, b = net:cluster(2, {}, { b = { root = disk:file "b" } })
    assert(a:store("key", nodes.bytes(2 * MIB)))
    b:usage()
    nodes.flip(nodes.place(a, b, "key"), 5)
    disk:fill()
    local report = b:scrub()
    assert.same({ 1, 0, 1 }, { report.bad, report.healed, report.wanted })
    local _, list = inside.of(b).healing:status(1)
    assert.matches("no room for %d+ bytes more", list[1].problem)
    disk:empty()
    assert.equal(0, b:scrub().wanted)
    assert.is_true(nodes.exists(nodes.place(a, b, "key")))
    assert.same({ 0, 0 }, { inside.of(b).disk:bad() })
  end)
end)

local KILLED = [[
  local filo = require "filo"
  local node = assert(filo.node { root = arg[1], durability = "none", reserve = 0, log = function() end })
  local count = 0
  node:on("corrupt", function()
    count = count + 1
    if count == tonumber(arg[2]) then
      print "now"
      io.stdout:flush()
    end
  end)
  while true do node:scrub() end
]]

describe("a scrub in a process that is killed", function()
  it("is made up for by the next one, which knows what was set aside", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 60 do assert(a:store("key " .. i, nodes.bytes(i * 100, i))) end
    b:usage()
    net:stop "b"
    for i = 1, 60 do nodes.flip(nodes.place(a, b, "key " .. i), i % 2 == 0 and 3 or -1) end
    for _, at in ipairs { 1, 7 } do
      local child <close> = process.start { net.folder:write("script.lua", KILLED), b.root, tostring(at) }
      child:expect "now"
      child:kill "KILL"
      child:wait()
    end
    b = net:restart "b"
    nodes.peers(a, 1)
    nodes.peers(b, 1)
    local report = b:scrub()
    assert.equal(0, report.wanted)
    for i = 2, 60, 2 do assert.is_true(nodes.exists(nodes.place(a, b, "key " .. i))) end
    report = b:scrub()
    assert.same({ 0, 0 }, { report.bad, report.wanted })
  end)
end)

describe("a scrub while the catalogue is made", function()
  it("waits for it, and reads all", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for i = 1, 300 do assert(a:store("key " .. i, "content")) end
    net:stop "a"
    assert(os.execute("rm -f " .. temp.quote(a.root .. "/catalogue")))
    a = net:restart "a"
    assert.same({ 300, 0 }, { a:scrub().objects, a:scrub().bad })
  end)

  it("goes over the files where there can be none", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for i = 1, 30 do assert(a:store("key " .. i, "content")) end
    nodes.flip(nodes.place(a, a, "key 7"), 3)
    net:stop "a"
    assert(os.execute(("cd %s && rm -f catalogue && mkdir catalogue"):format(temp.quote(a.root))))
    a = net:restart "a"
    local report = a:scrub()
    assert.same({ 30, 1, 1 }, { report.objects, report.bad, report.wanted })
  end)
end)
