---Deletions and the peers: each is told of a tombstone at once, or when it comes back after it was away.
---
---A tombstone is kept for good, so that an old copy can never count again. A peer that connects is told of all those of this node that
---it has not acknowledged since this node was started; one that knows them already says so, at the cost of a message.

local errors = require "filo.errors"
local names = require "filo.node.names"
local newer = require "filo.replication.newer"

local tombstones = {}

---Notes a tombstone that was published here.
function tombstones.note(node, tombstone) node.tombstones[tombstone.path] = tombstone.version end

---What a peer has acknowledged: path -> version.
local function told(node, peer)
  node.told[peer.id] = node.told[peer.id] or {}
  return node.told[peer.id]
end

---Tells one peer. True when it holds the tombstone from now on.
---@return true?, filo.Error?, integer?  the third: the version of something newer that the peer has and this node had forgotten
local function tell(node, peer, tombstone)
  local answer, err = peer:ask("store", { record = tombstone.record, body = "" })
  if not answer then return nil, err end
  if not answer.record then
    told(node, peer)[tombstone.path] = tombstone.version
    return true
  end
  local what, number = newer(node, tombstone, answer.record)
  if not what then return nil, number end
  return nil, errors.new("exists", "it has a newer version"), what == "behind" and number or nil
end

---Tells every connected peer: {record, version, path, key_hash, key}. Gives a receipt, and the newest version that a peer has and this
---node had forgotten, if there is one.
---@return filo.Receipt, integer?
function tombstones.tell_all(node, tombstone)
  tombstones.note(node, tombstone)
  local receipt = {
    key = tombstone.key, version = tombstone.version, size = 0, copies = { node.id }, pending = {}, refused = {}, quorum = 1,
  }
  local tasks, known = {}, nil
  for i, peer in ipairs(node.peer_list:list()) do
    tasks[i] = node.host.spawn_child(function()
      local ok, err, number = tell(node, peer, tombstone)
      known = number and math.max(known or 0, number) or known
      if ok then
        table.insert(receipt.copies, peer.id)
      else
        table.insert(receipt.refused, { peer = peer.id, reason = tostring(err) })
      end
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return receipt, known
end

-- Peers that come back ------------------------------------------------------------------------------------------------

---Reads once, when it is first needed, which tombstones of this node's own lie here.
local function load(node)
  local _ <close> = names.lock(node, "tombstones")
  if node.tombstones_loaded then return end
  local walk <close> = assert(node.disk:walk(node.namespace))
  local batch = assert(walk:next())
  while batch[1] do
    for _, entry in ipairs(batch) do
      if entry.tombstone then tombstones.note(node, entry) end
    end
    batch = assert(walk:next())
  end
  node.tombstones_loaded = true
end

local function paths_of(list)
  local paths = {}
  for path in pairs(list) do paths[#paths + 1] = path end
  return paths
end

---Tells a peer of every tombstone that it has not acknowledged, until it has gone.
local function catch_up(node, peer)
  load(node)
  for _, path in ipairs(paths_of(node.tombstones)) do
    if peer.gone then return end
    local fields, record = node.disk:stat(node.namespace, path)
    if not fields or not fields.tombstone then
      node.tombstones[path] = nil -- stored anew since
    elseif told(node, peer)[path] ~= fields.version then
      tell(node, peer, { record = record, version = fields.version, path = path, key_hash = fields.key_hash })
    end
  end
end

---From now on peers that connect are told.
function tombstones.install(node)
  node.tombstones, node.told = {}, {} -- path -> version; node ID -> path -> version
  node.hooks:add("peer_up", function(peer) node:spawn(catch_up, node, peer) end)
end

return tombstones
