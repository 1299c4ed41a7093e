---What looking after copies costs: making those that are missing, what else is asked meanwhile, and a node that joins.

local cluster = require "bench.support.cluster"
local filo = require "filo"
local folder = require "bench.support.folder"
local inside = require "filo.base.inside"
local measure = require "bench.support.measure"
local rendezvous = require "filo.placement.rendezvous"

local COUNT, FAR, IN_FLIGHT, KIB = 10000, 500, 64, 1024

local function get(node, key)
  local object <close> = assert(node:get(key))
  return assert(object:read "a")
end

local function store(node, prefix, count)
  local content = filo.crypto.random(KIB)
  return measure.rate(count, IN_FLIGHT, function(number) assert(node:store(prefix .. number, content)) end)
end

---From now on the node wants so many copies in all.
local function want(nodes, copies)
  assert(nodes.node:configure(cluster.options {
    root = nodes.root, bootstrap = nodes.addresses, durability = nodes.durability, policy = filo.policy.copies(copies),
  }))
end

---The seconds that half of the gets stay below until fn has ended.
local function latency_until(node, fn, key_of)
  local list, number, task = {}, 0, filo.spawn(fn)
  local over = false
  local watch = filo.spawn(function()
    task:join()
    over = true
  end)
  while not over do
    number = number + 1
    list[number] = measure.seconds(function() get(node, key_of(number)) end)
    filo.sleep(0.001)
  end
  watch:join()
  return measure.median(list)
end

local function missing_copies(report)
  local temporary <close> = folder.temporary()
  local nodes <close> = cluster.start { folder = temporary.path, peers = 1, durability = "group" }
  local node = nodes.node
  want(nodes, 2)
  local stores = store(node, "beside ", COUNT)
  want(nodes, 1)
  store(node, "key ", COUNT)
  local function key_of(number) return "beside " .. number % FAR + 1 end
  local quiet = measure.latency(FAR, function(number) get(node, key_of(number)) end)
  want(nodes, 2)
  local made, took
  local busy = latency_until(node, function()
    took = measure.seconds(function() made = assert(node:repair()).made end)
  end, key_of)
  report { work = "copies of 1 KiB made", filo = made / took, unit = "/s", beside = "stores at two", peer = stores, reach = "1000 /s" }
  report { work = "get 1 KiB here meanwhile", filo = busy * 1e3, unit = "ms", beside = "without", peer = quiet * 1e3, reach = "1.50 x" }
end

---How many objects all peers keep.
local function kept(node)
  local sum = 0
  for _, result in pairs(node:broadcast "bench.objects") do sum = sum + assert(result.answer) end
  return sum
end

---How many objects a node that joins is among the first two others for: what has to move, at least.
local function share(node, id)
  local members, count = { { id = id } }, 0
  for _, member in ipairs(node:members()) do
    if member.id ~= id then members[#members + 1] = { id = member.id } end
  end
  for number = 1, COUNT do
    local ranked = rendezvous.rank({ key_hash = inside.of(node).names:hash("key " .. number) }, members)
    if ranked[1].id == id or ranked[2].id == id then count = count + 1 end
  end
  return count
end

local function joining(report)
  local temporary <close> = folder.temporary()
  local nodes <close> = cluster.start { folder = temporary.path, peers = 3, durability = "group" }
  local node = nodes.node
  want(nodes, 3)
  store(node, "key ", COUNT)
  local before = kept(node)
  local fifth = nodes:add()
  local seconds = measure.seconds(function()
    assert(node:apply(assert(node:plan()).id))
    while node:applied().what == "moving" do filo.sleep(0.02) end
  end)
  assert(node:applied().what == "done", node:applied().problem)
  local moved = kept(node) - before
  report {
    work = ("a fifth node gets its part of %d objects"):format(COUNT), filo = moved, unit = "copies", beside = "the least there is",
    peer = share(node, fifth.id), reach = "1.10 x",
  }
  report { work = "the same", filo = moved / seconds, unit = "/s" }
end

---@type bench.Part
return function(report)
  missing_copies(report)
  joining(report)
end
