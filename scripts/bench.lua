#!/usr/bin/env filo
-- Measures Filo beside the limits of this machine, in the same run, and prints ratios.
--
--   filo scripts/bench.lua [MiB]        size of the large object; 1024 by default
--   TMPDIR=/dev/shm filo scripts/bench.lua    where all files lie: here in memory, without the disk's share
--
-- The owner runs in this process, two peers in processes of their own, all on loopback with TLS. Each figure is the
-- median of three runs, each after as much memory was touched as it will use: memory that the system has not given
-- out for a while may be ten times slower on virtual machines. CPU-seconds count the owner and the peers concerned.
-- The congestion control is the system's:
-- `sysctl net.ipv4.tcp_congestion_control`; bbr makes loopback slow, for Filo as for others.

local filo = require "filo"
local crypto = filo.crypto

local CLUSTER = crypto.hex(crypto.digest("sha256", "for measuring only"))
local RUNS = 3
local MIB = 1 << 20

-- A peer in a process of its own ------------------------------------------------------------------------------------------

local function peak_memory()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmHWM:%s+(%d+)"
    if kib then return tonumber(kib) / 1024 end
  end
end

local function serve_raw(node)
  local listener = assert(filo.listen "127.0.0.1:0")
  filo.spawn(function()
    while true do
      local connection = assert(listener:accept())
      filo.spawn(function()
        while connection:read(MIB) do end
        connection:close()
      end)
    end
  end)
  node:handle("bench.raw", function() return listener:address() end)
end

local function run_peer(root, durability)
  local node <close> = assert(filo.node {
    root = root, listen = "127.0.0.1:0", cluster = CLUSTER, durability = durability, reserve = 0,
  })
  node:handle("bench.cpu", function() return os.clock() end)
  node:handle("bench.memory", peak_memory)
  node:handle("bench.quit", function() filo.spawn(function() node:close() end) end)
  serve_raw(node)
  io.stdout:write(node.address, "\n")
  io.stdout:flush()
  node:wait()
  assert(io.open(root .. ".ended", "w")):close()
end

if arg[1] == "--peer" then return run_peer(arg[2], arg[3]) end

-- Measuring ---------------------------------------------------------------------------------------------------------------

local size = math.floor((tonumber(arg[1]) or 1024) * MIB)
local gib = size / (1024 * MIB)

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function temporary_folder()
  local pipe = assert(io.popen 'mktemp -d "${TMPDIR:-/tmp}/filo-bench.XXXXXX"')
  local path = pipe:read "l"
  pipe:close()
  return path
end

local folder = temporary_folder()
local _ <close> = setmetatable({}, { __close = function() os.execute("rm -rf '" .. folder .. "' &") end })

local function start_peer(name, durability)
  local pipe = assert(io.popen(("'%s' '%s' --peer '%s/%s' %s"):format(filo.program, arg[0], folder, name, durability)))
  return pipe:read "l", pipe
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

---Starts an owner here and two peers; runs fn(node, peers). The peers flush what they hold before they end.
local function with_cluster(durability, fn)
  local addresses, pipes = {}, {}
  for i = 1, 2 do addresses[i], pipes[i] = start_peer(durability .. i, durability) end
  local node <close> = assert(filo.node {
    root = folder .. "/owner-" .. durability, cluster = CLUSTER, durability = durability, reserve = 0, bootstrap = addresses,
  })
  while #node:peers() < 2 do filo.sleep(0.01) end
  fn(node)
  node:broadcast("bench.quit")
  for i, pipe in ipairs(pipes) do
    while not exists(folder .. "/" .. durability .. i .. ".ended") do filo.sleep(0.01) end
    pipe:close()
  end
end

local function cpu_of_all(node)
  local sum = os.clock()
  for _, result in pairs(node:broadcast "bench.cpu") do sum = sum + (result.answer or 0) end
  return sum
end

---Takes `bytes` of memory and gives it back to the system, warm.
local function warm(bytes)
  local path = "/dev/shm" .. folder:match "/[^/]+$" .. ".warm"
  assert(io.open(path, "w")):close()
  os.execute(("(head -c %d /dev/zero > '%s'; rm -f '%s') &"):format(bytes, path, path))
  while exists(path) do filo.sleep(0.01) end
end

---Seconds of fn, and CPU-seconds that `cpu` counts; `bytes` of memory are warmed before.
local function time(fn, cpu, bytes)
  if bytes then warm(bytes) end
  local before, start = cpu(), filo.now()
  fn()
  return filo.now() - start, cpu() - before
end

---Medians of both over some runs; between(), where given, comes after each.
local function measure(fn, cpu, bytes, between)
  local seconds, used = {}, {}
  for run = 1, RUNS do
    seconds[run], used[run] = time(fn, cpu or os.clock, bytes)
    if between then between() end
  end
  return median(seconds), median(used)
end

local function row(what, seconds, cpu, note)
  print(("%-44s %8.3f s  %7.0f MiB/s  %6.2f CPU-s/GiB  %s"):format(what, seconds, size / MIB / seconds, cpu / gib, note or ""))
end

-- The limits ----------------------------------------------------------------------------------------------------------------

local function limit(fn)
  local piece = crypto.random(MIB)
  local count = 256
  local seconds = measure(function() for _ = 1, count do
      fn(piece)
      filo.sleep(0)
    end
  end)
  return seconds * size / MIB / count
end

local function make_source()
  local path = folder .. "/source"
  local file = assert(io.open(path, "wb"))
  local piece = crypto.random(MIB)
  for _ = 1, size // MIB do file:write(piece) end
  file:close()
  for _ in io.lines(path, MIB) do filo.sleep(0) end -- in the page cache
  return path
end

local limits = {}

local function show_limits()
  print(("One core on this machine, for %d MiB:"):format(size // MIB))
  local stream = crypto.ctr(crypto.random(32), crypto.random(16))
  limits.copy = limit(function(piece) return piece:sub(2) end)
  limits.aes = limit(function(piece) return stream:crypt(piece) end) - limits.copy
  limits.blake = limit(function(piece) return crypto.digest("blake3", piece) end)
  for _, each in ipairs { { "memcpy", limits.copy }, { "AES-256-CTR", limits.aes }, { "BLAKE3", limits.blake } } do
    row("  " .. each[1], each[2], each[2])
  end
  print()
end

local function loopback(node)
  local address = assert(node:request(node:peers()[1], "bench.raw"))
  local piece = crypto.random(MIB)
  return function()
    local connection = assert(filo.dial(address))
    for _ = 1, size // MIB do assert(connection:write(piece)) end
    assert(connection:flush())
    connection:close()
  end
end

-- What is measured -------------------------------------------------------------------------------------------------------------

local function show_memory(node, when)
  for id, result in pairs(node:broadcast "bench.memory") do
    print(("  %s memory of peer %s: %.1f MiB"):format(when, id:sub(1, 8), result.answer))
  end
end

local function read_to_the_end(node, key)
  local object <close> = assert(node:get(key))
  local count = 0
  for piece in object:chunks() do count = count + #piece end
  assert(count == size)
end

local function large(node, source)
  local function cpu() return cpu_of_all(node) end
  show_memory(node, "idle")
  local tcp, tcp_cpu = measure(loopback(node), cpu)
  row("loopback TCP, one stream, unencrypted", tcp, tcp_cpu)

  local note = "%.2f x AES + BLAKE3 on both cores"
  local least = (limits.aes + limits.blake) / 2
  local function store() assert(node:store("large", filo.file(source))) end
  local function get() read_to_the_end(node, "large") end
  store()
  local gets, get_cpu = {}, {}
  local seconds, used = measure(store, cpu, 4 * size, function()
    assert(node:evict "large")
    gets[#gets + 1], get_cpu[#get_cpu + 1] = time(get, cpu, 2 * size)
    node:delete "large"
  end)
  row("store to two peers", seconds, used, note:format(seconds / least))
  seconds, used = median(gets), median(get_cpu)
  row("get back from two peers, read to the end", seconds, used, note:format(seconds / least))
  show_memory(node, "peak")
end

local function sealing(source)
  local node <close> = assert(filo.node { root = folder .. "/alone", durability = "none", reserve = 0 })
  assert(node:store("warm", filo.file(source)))
  local least = (limits.aes + limits.blake) / 2
  local seconds, cpu = measure(function() assert(node:store("sealed", filo.file(source))) end, nil, size)
  row("seal a file into the store", seconds, cpu, ("%.2f x AES + BLAKE3 on both cores"):format(seconds / least))
  seconds, cpu = measure(function() read_to_the_end(node, "sealed") end)
  row("open: verify, decrypt, read", seconds, cpu, ("%.2f x AES + BLAKE3 on both cores"):format(seconds / least))
  node:evict "sealed"
  node:evict "warm"
end

local function small_objects(node)
  local COUNT, IN_FLIGHT = 4000, 64
  local content = crypto.random(4096)
  local done = filo.channel(IN_FLIGHT)
  local rates = {}
  for run = 1, RUNS do
    local next_number, start = 0, filo.now()
    for _ = 1, IN_FLIGHT do
      filo.spawn(function()
        while next_number < COUNT do
          next_number = next_number + 1
          local receipt = assert(node:store(("small %d %d"):format(run, next_number), content))
          assert(#receipt.copies >= 2)
        end
        done:send(true)
      end)
    end
    for _ = 1, IN_FLIGHT do done:receive() end
    rates[run] = COUNT / (filo.now() - start)
  end
  print(("%-44s %8.0f a second"):format("4 KiB objects, flushed, 2 copies, 64 in flight", median(rates)))
end

local function latency(node)
  local content = crypto.random(1024)
  local stores, gets = {}, {}
  for i = 1, 300 do
    local start = filo.now()
    assert(node:store("quick " .. i, content))
    stores[i] = filo.now() - start
    node:evict("quick " .. i)
    start = filo.now()
    local object <close> = assert(node:get("quick " .. i))
    assert(#object:read "a" == 1024)
    gets[i] = filo.now() - start
  end
  print(("%-44s %8.3f ms median"):format("store 1 KiB to two peers", median(stores) * 1000))
  print(("%-44s %8.3f ms median"):format("get 1 KiB from a peer", median(gets) * 1000))
end

local source = make_source()
show_limits()
sealing(source)
with_cluster("none", function(node)
  large(node, source)
  latency(node)
end)
with_cluster("group", small_objects)
print(("peak memory of the owner: %.1f MiB (of which Lua strings of the limits above)"):format(peak_memory()))
