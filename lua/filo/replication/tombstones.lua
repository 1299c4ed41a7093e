---Deletions and the peers: each is told of a tombstone at once, or when it comes back after it was away.
---
---A tombstone is kept for good, so that an old copy can never count again. `node.caught_up` has the IDs of the peers that have
---acknowledged every tombstone of this node, as far as is known since it was started. Any other that connects is told of all that lie
---here; one that knows them already says so, at the cost of a message.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local newer = require "filo.replication.superseded"

local tombstones = {}

---Tells one peer. True when it holds the tombstone from now on.
---@return true?, filo.Error?, integer?  the third: the version of something newer that the peer has and this node had forgotten
local function tell(node, peer, tombstone)
  local answer, err = peer:ask("store", { record = tombstone.record, body = "" })
  if not answer then return nil, err end
  if not answer.record then return true end
  local what, number = newer(node, tombstone, answer.record)
  if not what then return nil, number end
  return nil, errors.new("exists", "it has a newer version"), what == "behind" and number or nil
end

---Tells every connected peer: {record, version, path, key_hash, key}. Gives a receipt, and the newest version that a peer has and this
---node had forgotten, if there is one.
---@return filo.Receipt, integer?
function tombstones.tell_all(node, tombstone)
  local receipt = {
    key = tombstone.key, version = tombstone.version, size = 0, copies = { node.id }, pending = {}, refused = {}, quorum = 1,
  }
  local tasks, known, acknowledged = {}, nil, {}
  local _ <close> = at_end(function()
    for id in pairs(node.caught_up) do
      if not acknowledged[id] then node.caught_up[id] = nil end
    end
  end)
  for i, peer in ipairs(node.peer_list:list()) do
    tasks[i] = node.host.spawn_child(function()
      local ok, err, number = tell(node, peer, tombstone)
      known = number and math.max(known or 0, number) or known
      if ok then
        table.insert(receipt.copies, peer.id)
        acknowledged[peer.id] = true
      else
        table.insert(receipt.refused, { peer = peer.id, reason = tostring(err) })
      end
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return receipt, known
end

-- Peers that come back ------------------------------------------------------------------------------------------------

---Tells one peer of the tombstones of a batch. Who refuses one is behind. False when it is asked no further.
local function tell_batch(node, peer, batch)
  for _, entry in ipairs(batch) do
    local ok, err = true, nil
    if entry.tombstone then ok, err = tell(node, peer, entry) end
    if not ok then
      node.caught_up[peer.id] = nil
      if peer.gone or err.code == "timeout" then return false end
    end
  end
  return true
end

---Tells all peers of a batch at once. Who is too slow is behind, and holds up the others no further.
local function tell_each(node, behind, batch)
  local tasks, deadline = {}, node.host.now() + node.host.limits.tell
  for i, peer in ipairs(behind) do tasks[i] = node.host.spawn_child(tell_batch, node, peer, batch) end
  for i = #behind, 1, -1 do
    if not tasks[i]:join(math.max(0, deadline - node.host.now())) then
      tasks[i]:cancel()
      node.caught_up[behind[i].id] = nil
      table.remove(behind, i)
    end
  end
end

---Goes once over what lies here.
local function go_over(node, behind)
  local walk <close> = assert(node.disk:walk(node.namespace))
  local batch, unread = walk:next(), nil
  while batch[1] and behind[1] do
    tell_each(node, behind, batch)
    for _, entry in ipairs(batch) do
      if entry.problem and entry.problem ~= "corrupt" then unread = entry end
    end
    batch = walk:next()
  end
  if unread then error(errors.new(unread.problem, unread.path .. " cannot be read; once it can, connect again")) end
end

---Tells the peers that have come, all of them in one go, until no more come.
local function catch_up(node)
  local _ <close> = at_end(function() node.catching_up = false end)
  while node.arrived[1] do
    local behind, all = {}, node.arrived
    node.arrived = {}
    for _, peer in ipairs(all) do
      if not node.caught_up[peer.id] then behind[#behind + 1] = peer end
      node.caught_up[peer.id] = true -- unless it misses one
    end
    local ok, err = errors.try(go_over, node, behind)
    if not ok and not node.closed then
      for _, peer in ipairs(all) do node.caught_up[peer.id] = nil end
      node.host.log("warning", "peers could not be told of deletions: " .. tostring(err))
    end
  end
end

---From now on peers that connect are told.
function tombstones.install(node)
  node.caught_up, node.arrived = {}, {}
  node.hooks:add("peer_up", function(peer)
    table.insert(node.arrived, peer)
    if node.catching_up then return end
    node.catching_up = true
    node:spawn(catch_up, node)
  end)
end

return tombstones
