---A large file to two peers over TLS, and back, beside programs that move files; and with `bulk = "sealed"`. All memory is warm.

local cluster = require "bench.support.cluster"
local filo = require "filo"
local folder = require "bench.support.folder"
local measure = require "bench.support.measure"
local programs = require "bench.support.programs"

local MIB, RUNS = 512, 5
local GIB = MIB / 1024

---Two commands of a program at once.
local function both(first, second)
  filo.all { function() programs.run(first) end, function() programs.run(second) end }
end

local function filo_works(nodes, source, suffix)
  local node = nodes.node
  local function timed(fn)
    local before = nodes:cpu()
    local seconds = measure.seconds(fn)
    return seconds, (nodes:cpu() - before) / GIB
  end
  local function store()
    node:delete "large"
    folder.settle(source, 4 * MIB)
    return timed(function() assert(node:store("large", filo.file(source))) end)
  end
  local function get()
    assert(node:evict "large")
    folder.settle(source, 2 * MIB)
    return timed(function()
      local object <close> = assert(node:get "large")
      for _ in object:chunks() do end
    end)
  end
  return { { "store" .. suffix, store }, { "get" .. suffix, get } }
end

local function rsync_works(url, place, source)
  local function push()
    os.remove(place .. "/one")
    os.remove(place .. "/two")
    folder.settle(place, 4 * MIB)
    return measure.seconds(function() both({ "rsync", source, url .. "one" }, { "rsync", source, url .. "two" }) end)
  end
  local function pull()
    os.remove(place .. "/back")
    folder.settle(place, 2 * MIB)
    return measure.seconds(function() programs.run { "rsync", url .. "one", place .. "/back" } end)
  end
  return { { "rsync push", push }, { "rsync pull", pull } }
end

local function scp_works(command, place, source)
  return { { "scp push", function()
    os.remove(place .. "/scp one")
    os.remove(place .. "/scp two")
    folder.settle(place, 4 * MIB)
    return measure.seconds(function()
      local to = "127.0.0.1:" .. place
      both(programs.with(command, source, to .. "/scp one"), programs.with(command, source, to .. "/scp two"))
    end)
  end } }
end

local function nginx_works(command, url, place)
  return { { "nginx pull", function()
    os.remove(place .. "/web back")
    folder.settle(place, 2 * MIB)
    return measure.seconds(function() programs.run(programs.with(command, "-o", place .. "/web back", url .. "source")) end)
  end } }
end

---@param suffix string  of the names of Filo's works
---@param words string  of what is told of them
local function tell(report, medians, suffix, words, reach)
  local store, get = medians["store" .. suffix], medians["get" .. suffix]
  local push, pull, copy, web = medians["rsync push"], medians["rsync pull"], medians["scp push"], medians["nginx pull"]
  local function beside(work, figure, peer, name, missing, times)
    if peer then
      report { work = work, filo = figure, unit = "s", beside = name, peer = peer[1], reach = times }
    else
      report { work = work, missing = missing }
    end
  end
  local stored, got = "store 512 MiB at two peers" .. words, "get 512 MiB back" .. words
  beside(stored, store[1], push, "two rsync pushes at once", "rsync is not installed", reach.store)
  beside(stored, store[1], copy, "two scp pushes at once", "scp, or sshd, is not installed")
  report { work = "  all three processes", filo = store[2], unit = "CPU-s/GiB", reach = reach.cpu }
  beside(got, get[1], pull, "rsync pull", "rsync is not installed", reach.get)
  beside(got, get[1], web, "nginx to curl, TLS 1.3", "nginx, or curl, is not installed")
  report { work = "  all three processes", filo = get[2], unit = "CPU-s/GiB" }
end

---@type bench.Part
return function(report)
  local temporary <close> = folder.temporary()
  local place = temporary.path
  local source = place .. "/source"
  folder.fill(source, MIB)
  local nodes <close> = cluster.start { folder = place, peers = 2 }
  local sealed <close> = cluster.start { folder = place, name = "sealed", peers = 2, options = { bulk = "sealed" } }
  local rsync <close>, rsync_url = programs.rsync(place)
  local ssh <close>, scp = programs.ssh(place)
  local nginx <close>, curl, web_url = programs.nginx(place)

  local works = filo_works(nodes, source, "")
  local function add(list) table.move(list, 1, #list, #works + 1, works) end
  add(filo_works(sealed, source, " sealed"))
  if rsync then add(rsync_works(rsync_url, place, source)) end
  if ssh then add(scp_works(scp, place, source)) end
  if nginx then add(nginx_works(curl, web_url, place)) end
  local medians = measure.in_turns(RUNS, works)
  tell(report, medians, "", "", { store = "1.70 x", cpu = "3.6 CPU-s/GiB", get = "1.10 x" })
  tell(report, medians, " sealed", ", sealed", { store = "1.20 x" })
  report { work = "memory of a peer, at most", filo = nodes:peak_memory() / (1 << 20), unit = "MiB", reach = "40 MiB" }
end
