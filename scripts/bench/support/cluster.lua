---A node here, and peers in processes of their own, on loopback.

local filo = require "filo"
local crypto = filo.crypto

local cluster = {}

local SECRET = crypto.hex(crypto.digest("sha256", "for measuring only"))
local SCRIPT = debug.getinfo(1, "S").source:match "^@(.*/)" .. "peer.lua"

local function silent() end

---The options of a node that measures: it logs nothing, and all of the disk is its own.
---@param options table  its own ones
---@return table
function cluster.options(options)
  local all = { cluster = SECRET, durability = "none", reserve = 0, log = silent }
  for name, value in pairs(options) do all[name] = value end
  return all
end

---A peer in a process of its own; `options` are texts of Lua values: { tls = "false" }.
local function start_peer(root, options)
  local texts = {}
  for name, text in pairs(options) do texts[#texts + 1] = name .. "=" .. text end
  local process = assert(filo.start { filo.program, SCRIPT, root, SECRET, table.unpack(texts) })
  return process, assert(process.stdout:read("l", 20))
end

local Cluster = {}
Cluster.__index = Cluster

---CPU-seconds of all its processes so far.
function Cluster:cpu()
  local sum = os.clock()
  for _, result in pairs(self.node:broadcast "bench.cpu") do sum = sum + assert(result.answer) end
  return sum
end

---Bytes that the peer which has most has had at most.
function Cluster:peak_memory()
  local most = 0
  for _, result in pairs(self.node:broadcast "bench.memory") do most = math.max(most, assert(result.answer)) end
  return most
end

---Starts one more peer, which joins by the first one's address, and waits until it is connected here.
---@return filo.Peer
function Cluster:add()
  local known, count = {}, #self.addresses
  for _, peer in ipairs(self.node:peers()) do known[peer.id] = true end
  local options = { bootstrap = ("{%q}"):format(self.addresses[1]) }
  for name, text in pairs(self.texts) do options[name] = text end
  self.processes[count + 1], self.addresses[count + 1] = start_peer(("%s-peer%d"):format(self.root, count + 1), options)
  assert(self.node:ready(60, count + 1) == count + 1, "the new peer is not connected")
  for _, peer in ipairs(self.node:peers()) do
    if not known[peer.id] then return peer end
  end
end

---Another node here takes the place of the first: one with its identity and an empty root.
---@return filo.Node
function Cluster:replace()
  local identity = self.root .. "/identity"
  self.node:close()
  self.replaced = (self.replaced or 0) + 1
  local root = self.root .. "-" .. self.replaced
  self.node = assert(filo.node(cluster.options {
    root = root, identity = identity, create = true, durability = self.durability, bootstrap = self.addresses,
  }))
  assert(self.node:ready(20, #self.addresses) == #self.addresses, "the peers cannot be reached")
  return self.node
end

function Cluster:__close()
  self.node:close()
  for _, process in ipairs(self.processes) do process:close() end
end

---@param settings { folder: string, name?: string, peers: integer, durability?: string, options?: table<string, boolean|string> }
---  `options` are those of every node
---@return { node: filo.Node, root: string, addresses: string[] }  for a `<close>` variable; its methods are above
function cluster.start(settings)
  local options = { durability = settings.durability or "none" }
  for name, value in pairs(settings.options or {}) do options[name] = value end
  local texts = {}
  for name, value in pairs(options) do texts[name] = ("%q"):format(value) end

  local name = settings.name or "node"
  local self = { addresses = {}, processes = {}, root = ("%s/%s"):format(settings.folder, name), durability = options.durability }
  for i = 1, settings.peers do
    self.processes[i], self.addresses[i] = start_peer(("%s/%s-peer%d"):format(settings.folder, name, i), texts)
  end
  self.texts = texts
  options.root, options.bootstrap = self.root, self.addresses
  self.node = assert(filo.node(cluster.options(options)))
  assert(self.node:ready(20, settings.peers) == settings.peers, "the peers cannot be reached")
  return setmetatable(self, Cluster)
end

return cluster
