---The real world as node logic sees it. Rooms from copies to node reach clock, randomness, tasks, disk and network only through such a
---table, so that the same code runs on a simulated one. What each of these does is said in lua/stubs/host.lua.

local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local net = require "filo.core.net"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local generations = require "filo.host.generations"
local readers = require "filo.host.readers"
local numbered = require "filo.host.numbered"
local keyring = require "filo.host.keyring"
local limits = require "filo.host.limits"
local task = require "filo.host.task"

---@class filo.Host
local host = {
  now = runtime.now,
  time = runtime.time,
  random = crypto.random,
  sleep = runtime.sleep,
  spawn = runtime.spawn_detached,
  spawn_child = runtime.spawn,
  current = runtime.current,
  suspend = runtime.suspend,
  wake = runtime.wake,
  line = runtime.line,
  pinned = function(fn, ...) return runtime.pinned(limits.compute, fn, ...) end,
  channel = task.channel,
  encode = cbor.encode,
  decode = cbor.decode,
  limits = limits,
  crypto = {
    digest = crypto.digest,
    hmac_sha256 = crypto.hmac_sha256,
    equal = crypto.equal,
    hex = crypto.hex,
    unhex = crypto.unhex,
    verify = crypto.verify,
  },
  identities = {
    load = crypto.identity_load,
    generate = crypto.identity_generate,
  },
  keyring = {
    names = keyring.names,
    load = keyring.load,
    add = keyring.add,
    read = keyring.read,
    check_name = keyring.check_name,
    note_writers = keyring.note_writers,
    has_writers = keyring.has_writers,
  },
  readers = {
    list = readers.list,
    note = readers.note,
    forget = readers.forget,
  },
  generations = {
    load = generations.load,
    save = generations.save,
  },
  roster = numbered("roster", "the roster"),
  applied = numbered("apply", "how far a plan is applied"),
  store = {
    open = store.open,
    look = store.look,
    prepare = store.prepare,
    parse = store.parse,
    peek = store.peek,
    vouches = store.vouches,
    unseal = store.unseal,
    reseal = store.reseal,
    cas_path = store.cas_path,
    check_path = store.check_path,
    seen = store.seen,
    chunk_size = store.chunk_size,
  },
  net = {
    tls = net.tls,
    listen = net.listen,
    dial = net.dial,
    address = net.address,
    rates = net.rates,
  },
}

local nodes = {} -- those made, in order, and whether they are open; the closed ones leave when it is looked at

local function drop_closed()
  local open = {}
  for _, each in ipairs(nodes) do
    if each.is_open() then open[#open + 1] = each end
  end
  nodes = open
end

function host.opened(node, is_open)
  drop_closed()
  nodes[#nodes + 1] = { node = node, is_open = is_open }
end

function host.nodes()
  drop_closed()
  local list = {}
  for i, each in ipairs(nodes) do list[i] = each.node end
  return list
end

function host.log(level, message)
  if level ~= "info" then runtime.log(("filo: %s\n"):format(message)) end
end

return host
