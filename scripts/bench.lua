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

local CLUSTER = "a secret for measuring only"
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

---Starts an owner here and two peers; runs fn(node, peers).
local function with_cluster(durability, fn)
  local addresses, pipes = {}, {}
  for i = 1, 2 do addresses[i], pipes[i] = start_peer(durability .. i, durability) end
  local node <close> = assert(filo.node {
    root = folder .. "/owner-" .. durability, cluster = CLUSTER, durability = durability, reserve = 0, bootstrap = addresses,
  })
  while #node:peers() < 2 do filo.sleep(0.01) end
  fn(node)
  node:broadcast("bench.quit")
  for _, pipe in ipairs(pipes) do pipe:close() end
end

local function cpu_of_all(node)
  local sum = os.clock()
  for _, result in pairs(node:broadcast "bench.cpu") do sum = sum + (result.answer or 0) end
  return sum
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

---Takes `bytes` of memory and gives it back to the system, warm.
local function warm(bytes)
  local path = "/dev/shm" .. folder:match "/[^/]+$" .. ".warm"
  assert(io.open(path, "w")):close()
  os.execute(("(head -c %d /dev/zero > '%s'; rm -f '%s') &"):format(bytes, path, path))
  while exists(path) do filo.sleep(0.01) end
end

---Median seconds of fn, and the median of the CPU-seconds that `cpu` counts; `bytes` of memory are warmed before each run.
local function measure(fn, cpu, bytes)
  cpu = cpu or os.clock
  local seconds, used = {}, {}
  for run = 1, RUNS do
    if bytes then warm(bytes) end
    local before, start = cpu(), filo.now()
    fn(run)
    seconds[run] = filo.now() - start
    used[run] = cpu() - before
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
  limits.sha = limit(function(piece) return crypto.digest("sha256", piece) end)
  for _, each in ipairs { { "memcpy", limits.copy }, { "AES-256-CTR", limits.aes }, { "SHA-256", limits.sha } } do
    row("  " .. each[1], each[2], each[2])
  end
  print()
end

local function loopback_limit(node)
  local peer = node:peers()[1]
  local address = assert(node:request(peer, "bench.raw"))
  local piece = crypto.random(MIB)
  return measure(function()
    local connection = assert(filo.dial(address))
    for _ = 1, size // MIB do assert(connection:write(piece)) end
    assert(connection:flush())
    connection:close()
  end, function() return cpu_of_all(node) end)
end

-- What is measured -------------------------------------------------------------------------------------------------------------

local function large(node, source)
  local function cpu() return cpu_of_all(node) end
  local tcp, tcp_cpu = loopback_limit(node)
  row("loopback TCP, one stream, unencrypted", tcp, tcp_cpu)

  assert(node:store("warm", filo.file(source)))
  local least = (limits.aes + limits.sha) / 2
  local seconds, used = measure(function(run) assert(node:store("large " .. run, filo.file(source))) end, cpu, 3 * size)
  row("store to two peers", seconds, used, ("%.2f x one hash on both cores"):format(seconds / least))

  local get, get_cpu = measure(function(run)
    assert(node:evict("large " .. run))
    local object <close> = assert(node:get("large " .. run))
    local count = 0
    for piece in object:chunks() do count = count + #piece end
    assert(count == size)
  end, cpu, size)
  row("get back from two peers, read to the end", get, get_cpu, ("%.2f x one hash on both cores"):format(get / least))

  for id, result in pairs(node:broadcast "bench.memory") do
    print(("  peak memory of peer %s: %.1f MiB"):format(id:sub(1, 8), result.answer))
  end
  for run = 1, RUNS do node:delete("large " .. run) end
  node:delete "warm"
end

local function sealing(source)
  local node <close> = assert(filo.node { root = folder .. "/alone", durability = "none", reserve = 0 })
  assert(node:store("warm", filo.file(source)))
  local least = (limits.aes + limits.sha) / 2
  local seconds, cpu = measure(function() assert(node:store("sealed", filo.file(source))) end, nil, size)
  row("seal a file into the store", seconds, cpu, ("%.2f x AES + SHA-256 on both cores"):format(seconds / least))
  seconds, cpu = measure(function()
    local object <close> = assert(node:get "sealed")
    for piece in object:chunks() do assert(piece) end
  end)
  row("open: verify, decrypt, read", seconds, cpu, ("%.2f x AES + SHA-256 on both cores"):format(seconds / least))
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

print(("idle: %.1f MiB resident"):format(filo.memory() / MIB))
local source = make_source()
show_limits()
sealing(source)
with_cluster("none", function(node)
  large(node, source)
  latency(node)
end)
with_cluster("group", small_objects)
print(("peak memory of the owner: %.1f MiB (of which Lua strings of the limits above)"):format(peak_memory()))
