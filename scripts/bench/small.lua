---Requests, and objects of some KiB: how long each takes, and how many are done a second.

local cluster = require "bench.support.cluster"
local filo = require "filo"
local folder = require "bench.support.folder"
local measure = require "bench.support.measure"
local programs = require "bench.support.programs"

local CALLS, GETS, STORES, RUNS = 500, 5000, 4000, 3
local KIB = 1024

local function get(node, key)
  local object <close> = assert(node:get(key))
  return assert(object:read "a")
end

---Keeps objects of 1 KiB under the keys 1, 2, ... with the suffix.
local function keep(node, count, suffix)
  local content = filo.crypto.random(KIB)
  measure.rate(count, 50, function(number) assert(node:store(number .. suffix, content)) end)
end

local function latencies(report)
  local temporary <close> = folder.temporary()
  local nodes <close> = cluster.start { folder = temporary.path, peers = 2 }
  local node, content = nodes.node, filo.crypto.random(KIB)
  local peer = node:peers()[1]
  local function row(work, seconds, reach, beside, least)
    report { work = work, filo = seconds * 1000, unit = "ms", beside = beside, peer = least and least * 1000, reach = reach }
  end

  keep(node, CALLS, "")
  local calls = 0
  local medians = measure.in_turns(RUNS, {
    { "request", function() return measure.latency(CALLS, function() assert(node:request(peer, "bench.echo", "hello")) end) end },
    { "stat", function() return measure.latency(CALLS, function(number) assert(node:stat(tostring(number))) end) end },
    { "get", function() return measure.latency(CALLS, function(number) get(node, tostring(number)) end) end },
    { "store", function()
      return measure.latency(CALLS, function()
        calls = calls + 1
        assert(#assert(node:store("new " .. calls, content)).copies == 3)
      end)
    end },
  })
  node = nodes:replace()
  peer = node:peers()[1]
  local far = measure.in_turns(RUNS, {
    { "request", function() return measure.latency(CALLS, function() assert(node:request(peer, "bench.echo", "hello")) end) end },
    { "get", function(run)
      return measure.latency(CALLS, function(number) get(node, ("new %d"):format((run - 1) * CALLS + number)) end)
    end },
  })
  local request = medians.request[1]
  row("request and reply between two nodes", request)
  row("stat, here", medians.stat[1], "0.02 ms")
  row("get 1 KiB, here", medians.get[1], "0.04 ms")
  row("get 1 KiB from a peer", far.get[1], "0.2 ms", "a request and reply", far.request[1])
  row("store 1 KiB at two peers", medians.store[1], "0.35 ms", "a request and reply", request)
end

---Gets a second by redis, of the keys that `fill` has set.
local function redis_gets(command)
  local ended = programs.run(programs.with(command, "-t", "get", "-c", "50", "-n", tostring(20 * GETS), "-r", tostring(GETS), "--csv"))
  return tonumber(ended.stdout:match '"GET","([%d.]+)"')
end

local function redis_fill(command)
  programs.run(programs.with(command, "-t", "set", "-d", tostring(KIB), "-n", tostring(4 * GETS), "-r", tostring(GETS)))
end

local function get_rates(report)
  local temporary <close> = folder.temporary()
  local nodes <close> = cluster.start { folder = temporary.path, peers = 1 }
  local redis <close>, command = programs.redis()
  if redis then redis_fill(command) end
  keep(nodes.node, GETS, "")
  local works = {
    { "here", function() return measure.rate(4 * GETS, 50, function(number) get(nodes.node, tostring(1 + number % GETS)) end) end },
    { "peer", function()
      local node = nodes:replace()
      return measure.rate(GETS, 50, function(number) get(node, tostring(number)) end)
    end },
  }
  if redis then table.insert(works, { "redis", function() return redis_gets(command) end }) end
  local medians = measure.in_turns(RUNS, works)
  local function row(work, rate, reach)
    report { work = work, filo = rate, unit = "/s", beside = redis and "redis, GET over TCP", peer = redis and medians.redis[1],
      reach = reach }
  end
  row("get 1 KiB, here, 50 in flight", medians.here[1], "60000 /s")
  row("get 1 KiB from a peer, 50 in flight", medians.peer[1], "12000 /s")
  if not redis then report { work = "get 1 KiB, 50 in flight", missing = "redis is not installed" } end
end

---The same files, made in three places by programs that do nothing else, and flushed: how many a second of three.
local function plain_rate(path, run)
  local function copy(number)
    return function() programs.run { "cp", "-r", path .. "/tree", ("%s/plain-%d-%d"):format(path, run, number) } end
  end
  local seconds = measure.seconds(function()
    filo.all { copy(1), copy(2), copy(3) }
    programs.run { "sync", "-f", path }
  end)
  return STORES / seconds
end

local function store_rate(report)
  local temporary <close> = folder.temporary()
  local nodes <close> = cluster.start { folder = temporary.path, peers = 2, durability = "group" }
  local content = filo.crypto.random(4 * KIB)
  folder.tree(temporary.path .. "/tree", STORES, 4 * KIB)
  local medians = measure.in_turns(RUNS, {
    { "store", function(run)
      return measure.rate(STORES, 64, function(number)
        assert(#assert(nodes.node:store(("%d %d"):format(run, number), content)).copies == 3)
      end)
    end },
    { "plain", function(run) return plain_rate(temporary.path, run) end },
  })
  report {
    work = "store 4 KiB at two peers, flushed, 64 in flight", filo = medians.store[1], unit = "/s",
    beside = "cp, three at once, and sync", peer = medians.plain[1], reach = "6000 /s",
  }
end

---@type bench.Part
return function(report)
  latencies(report)
  get_rates(report)
  store_rate(report)
end
