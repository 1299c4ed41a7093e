---The host of a simulated node: the whole contract of lua/stubs/host.lua, on a simulated world. See lua/filo/host/real.lua.

local cbor = require "filo.core.cbor"
local core_store = require "filo.core.store"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local net = require "filo.core.net"
local new_store = require "filo.sim.store"
local record = require "filo.sim.record"
local runtime = require "filo.core.runtime"
local sorted_keys = require "filo.base.sorted_keys"
local task = require "filo.host.task"

local function identities_of(run)
  local world, disk = run.world, run.machine.disk
  local identities = {}

  function identities.load(path)
    local identity = disk.identities[path]
    if identity then
      disk.namespace = identity:namespace():raw_id()
      return identity
    end
    return errors.fail("not_found", "there is no " .. path)
  end

  function identities.generate()
    local identity = world.keyring:generate(run.random)
    function identity.save(self, path)
      if disk.identities[path] then return errors.fail("exists", path .. " is there already") end
      disk.identities[path], disk.namespace = self, self:namespace():raw_id()
      return self
    end
    return identity
  end

  return identities
end

---What a node was given: lines that stand for keys of the world.
local function keyring_of(run)
  local disk, world = run.machine.disk, run.world
  return {
    names = function() return sorted_keys(disk.ring) end,
    check_name = function(name) return name end,
    load = function(_, name) return world.keyring:read(disk.ring[name] or "") end,
    read = function(line) return world.keyring:read(line) end,
    add = function(_, name, line)
      local problem = select(2, disk:problem())
      if problem then return nil, problem end
      disk.ring[name] = line
      return true
    end,
    note_writers = function()
      disk.has_writers = true
      return true
    end,
    has_writers = function() return disk.has_writers == true end,
  }
end

---Nobody notes what he gives.
local readers = {
  list = function() return {} end,
  note = function() return errors.fail("unsupported", "a simulated node gives no keys away") end,
  forget = function() return true end,
}

local function generations_of(run)
  local disk = run.machine.disk
  return {
    load = function()
      local numbers = {}
      for raw_id, number in pairs(disk.generations) do numbers[raw_id] = number end
      return numbers
    end,
    save = function(_, raw_id, number)
      local problem = select(2, disk:problem())
      if problem then return nil, problem end
      disk.generations[raw_id] = math.max(number, disk.generations[raw_id] or 0)
      return true
    end,
  }
end

---A text that the disk keeps beside the objects.
---@param name "roster"|"applied"
local function text_of(run, name)
  local disk = run.machine.disk
  return {
    load = function() return disk[name] or false end,
    save = function(_, text)
      local problem = select(2, disk:problem())
      if problem then return nil, problem end
      disk[name] = text
      return true
    end,
  }
end

local function store_of(run)
  local world, machine = run.world, run.machine
  local store = {
    chunk_size = world.chunk_size, cas_path = core_store.cas_path, check_path = core_store.check_path, peek = record.peek,
    vouches = record.vouches,
  }

  function store.seen() return nil end

  function store.parse(bytes) return record.parse(world.keyring, bytes) end

  function store.unseal(keys, bytes) return record.unseal(keys, bytes) end

  function store.reseal(keys, bytes, version) return record.reseal(keys, bytes, version) end

  function store.look()
    if machine.disk.absent then return "empty" end
    return machine.disk.made and "made" or "empty"
  end

  function store.prepare() return not machine.disk.absent, errors.new("io", "the disk is not there") end

  function store.open(root, _, durability, reserve)
    local _, err = machine.disk:problem()
    if err then return nil, err end
    machine.disk.made, machine.disk.durability = true, durability
    run.store = new_store {
      disk = machine.disk, root_path = root, durability = durability or "full", reserve = reserve or 0,
      chunk_size = world.chunk_size, inline = world.limits.inline, keyring = world.keyring, random = run.random,
      seconds = function() return machine:microseconds() // 1000000 end,
    }
    return run.store
  end

  return store
end

---Simulated lines have a bandwidth of their own: what a node keeps to is noted, and no more.
local function new_rates()
  return {
    set = function() end, moved = function() return 0, 0 end, wait = function() return true end, wait_idle = function() return true end,
    close = function() end,
  }
end

local function net_of(run)
  local world, machine = run.world, run.machine
  return {
    address = net.address, rates = new_rates,
    tls = function() return { close = function() end } end,
    listen = function(address) return world.network:listen(machine, address) end,
    dial = function(address, options) return world.network:dial(machine, address, options) end,
  }
end

local function crypto_of(run)
  return {
    digest = crypto.digest, hmac_sha256 = crypto.hmac_sha256, equal = crypto.equal, hex = crypto.hex, unhex = crypto.unhex,
    verify = function(id, data, signature) return run.world.keyring:verify(#id == 64 and crypto.unhex(id) or id, data, signature) end,
  }
end

---@param run filo.sim.Run
---@return filo.Host
return function(run)
  local machine, world = run.machine, run.world
  return {
    now = runtime.now,
    time = function() return machine:microseconds() end,
    random = function(count) return run.random:bytes(count) end,
    sleep = runtime.sleep,
    spawn = function(fn, ...) return run:spawn(fn, ...) end,
    spawn_child = runtime.spawn,
    current = runtime.current,
    suspend = runtime.suspend,
    wake = runtime.wake,
    line = runtime.line,
    pinned = function(fn, ...) return runtime.pinned(world.limits.compute, fn, ...) end,
    channel = task.channel,
    encode = cbor.encode,
    decode = cbor.decode,
    limits = world.limits,
    crypto = crypto_of(run),
    identities = identities_of(run),
    keyring = keyring_of(run),
    generations = generations_of(run),
    readers = readers,
    roster = text_of(run, "roster"), applied = text_of(run, "applied"),
    store = store_of(run),
    net = net_of(run),
    log = function(level, message)
      if run.ended then return end
      world.trace:tell(machine.name, nil, level .. ": " .. message)
      if run.part then run.part:hear(level, message) end
    end,
    opened = function() end,
    nodes = function() return {} end,
  }
end
