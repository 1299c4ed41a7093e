---What it takes two nodes to find out in what they differ, of OBJECTS in the environment, or 100000, that both hold.

local filo = require "filo"
local folder = require "bench.support.folder"
local inside = require "filo.base.inside"
local limits = require "filo.host.limits"
local measure = require "bench.support.measure"
local relays = require "spec.support.relay"

local COUNT = math.tointeger(tonumber(os.getenv "OBJECTS" or 100000))
local WRITERS, DIFFERENCES = 32, 10
local SECRET = filo.crypto.hex(filo.crypto.random(16))

local function key_of(i) return ("object %09d"):format(i) end

local function open(root, options)
  options.root, options.cluster, options.reserve, options.scrub = root, SECRET, 0, false
  options.log = function(level, message) if level ~= "info" then io.stderr:write(message, "\n") end end
  return assert(filo.node(options))
end

local function make_objects(root)
  local node <close> = open(root, { durability = "none" })
  local next, tasks = 0, {}
  for i = 1, WRITERS do
    tasks[i] = filo.spawn(function()
      while next < COUNT do
        next = next + 1
        assert(node:store(key_of(next - 1), "content"))
      end
    end)
  end
  for _, task in ipairs(tasks) do task:join() end
end

local function parts(node) return inside.of(node) end

---Takes away some copies, as a disk that loses them would.
local function lose(owner, node, first)
  for i = first, first + DIFFERENCES // 2 - 1 do
    local path = parts(owner).names:path(parts(owner).names:hash(key_of(i * (COUNT // DIFFERENCES))))
    assert(parts(node).disk:remove(parts(owner).namespace, path))
  end
end

---What it takes to be in step: seconds, processor seconds, and bytes on the line.
local function compare(a, b, relay)
  local step, bytes, cpu, began = parts(a).in_step, relay.bytes, os.clock(), filo.now()
  step.steps = {}
  assert(step:held(parts(a).peer_list:get(b.id), {}), "they are not in step")
  return filo.now() - began, os.clock() - cpu, relay.bytes - bytes
end

---@type bench.Part
return function(report)
  local temporary <close> = folder.temporary()
  local roots = { temporary.path .. "/a", temporary.path .. "/b" }
  limits.repair_start, limits.repair_share = 1e9, 0
  make_objects(roots[1])
  assert(filo.run { "mkdir", roots[2] })
  do
    local b <close> = open(roots[2], { durability = "none" })
    parts(b).catalogue:wait()
  end
  assert(filo.run { "cp", "-r", roots[1] .. "/objects", roots[2] })
  assert(filo.run { "sh", "-c", 'rm -f "$0"/catalogue*', roots[2] })
  local function row(work, took, unit, reach) report { work = work, filo = took, unit = unit, reach = reach } end
  local b <close> = open(roots[2], { listen = "127.0.0.1:0", durability = "group" })
  parts(b).catalogue:wait()
  local relay <close> = relays.to(b.address)
  local function join()
    assert(filo.run { "rm", "-rf", roots[1] .. "/roster" }) -- it knows of no way but this one
    return open(roots[1], { bootstrap = { relay.address }, durability = "group" })
  end
  do
    local a <close> = join()
    assert(a:ready(60, 1) == 1)
    parts(a).follow:wait_read(600)
    local bytes = relay.bytes
    row(("asking a peer about %d objects"):format(COUNT), measure.seconds(function() assert(a:repair().short == 0) end), "s")
    row("the same, bytes for each", (relay.bytes - bytes) / COUNT, "bytes")
    row("the first comparison", compare(a, b, relay) * 1e3, "ms")
    local seconds, cpu, used = compare(a, b, relay)
    row("another one, with nothing changed", seconds * 1e3, "ms")
    row("the same, processor time of both", cpu * 1e3, "ms")
    row("the same, on the line", used, "bytes", "200 bytes a minute")
    lose(a, a, 0)
    lose(a, b, DIFFERENCES // 2)
    seconds, cpu, used = compare(a, b, relay)
    row(("finding %d differences"):format(DIFFERENCES), seconds * 1e3, "ms", "500 ms for 100000")
    row("the same, processor time of both", cpu * 1e3, "ms")
    row("the same, on the line", used, "bytes", "16384 for 100000, 40960 for 1000000")
    bytes = relay.bytes
    row("looking after all copies then", measure.seconds(function() parts(a).repair:look_after_all {} end), "s")
    row("the same, on the line", relay.bytes - bytes, "bytes")
  end
  local bytes, began = relay.bytes, filo.now()
  local a <close> = join()
  assert(a:ready(60, 1) == 1)
  local step = parts(a).in_step
  assert(step:held(parts(a).peer_list:get(b.id), {}))
  row("starting again, until in step", filo.now() - began, "s")
  row("the same, on the line", relay.bytes - bytes, "bytes")
end
