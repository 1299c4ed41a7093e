---Placing: copies of a version that is published here, at peers as the policy says. A peer that refuses, or stops taking bytes, is
---replaced by the next.

local errors = require "filo.errors"
local limits = require "filo.limits"
local patiently = require "filo.replication.patience"

local place = {}

-- One copy ------------------------------------------------------------------------------------------------------------

---How many bytes a transfer of an object has to move: from chunk `first` on.
local function bytes_of(size, hashes, first)
  local list = hashes and ((size + (1 << 20) - 1) >> 20) * 32 or 0
  return list + math.max(0, size - (first << 20))
end

---Asks the peer to take what the transfer sends, and waits as long as bytes move, and then as long as publishing may take.
local function fill(node, peer, request, transfer, total)
  local asking = node.host.spawn_child(peer.request, peer, "fill", request, math.huge):observe()
  local _ <close> = setmetatable({}, { __close = function() asking:cancel() end })
  local moved = 0
  while true do
    local sent = moved >= total
    local answer, err = asking:join(sent and limits.publish or limits.send_stall)
    if answer or asking:status() == "ended" then return answer, err end
    local bytes = transfer and transfer:bytes() or total
    if sent or bytes == moved then
      return errors.fail("timeout", sent and "it took all bytes, but does not say that it has published them"
        or "it takes no bytes", { peer = peer.id })
    end
    moved = bytes
  end
end

---Tells a peer of the record, sends what it lacks, and returns when it has published the copy.
---@return table?, filo.Error?
local function copy_large(node, peer, version)
  local _ <close> = peer:turn "landings_of_peer"
  local record = version.record
  local answer, err = peer:ask("offer", { record = record })
  if not answer or not answer.want then return answer, err end
  local object <close> = version.object:share()
  local hashes, first = answer.hashes == true, answer.want
  local transfer <close>, problem = peer:send_object(object, hashes, first)
  if not transfer and problem.code ~= "invalid" then return nil, problem end -- invalid: nothing is missing
  local request = { record = record, stream = transfer and transfer:number() or 0, hashes = transfer and hashes or false, first = first }
  return fill(node, peer, request, transfer, transfer and bytes_of(version.info.size, hashes, first) or 0)
end

local function copy_small(_, peer, version)
  return peer:ask("store", { record = version.record, body = version.body })
end

---One copy at one peer; a peer that is busy is asked again in a while.
---@return table?, filo.Error?
local function copy(node, peer, version)
  return patiently(node.host, version.body and copy_small or copy_large, node, peer, version)
end

-- All copies ----------------------------------------------------------------------------------------------------------

---@class filo.Receipt
---@field key string
---@field version integer
---@field size integer
---@field copies string[]  IDs of the nodes that hold a copy, this one first
---@field pending string[]  IDs of peers that are being sent one
---@field refused table[]  {peer = id, reason = text}
---@field quorum integer  copies that had to be made

local function remove(list, value)
  for i, each in ipairs(list) do
    if each == value then return table.remove(list, i) end
  end
end

---The state of one placement: who holds a copy, who is being sent one, who may be asked next.
local function new_state(node, version, candidates, wanted)
  return {
    node = node, version = version, candidates = candidates, next = 1, wanted = wanted,
    receipt = version.receipt, waiting = nil,
  }
end

local function wake(state)
  if state.waiting then state.node.host.wake(state.waiting) end
end

local function close_when_done(state)
  if state.version.object and #state.receipt.pending == 0 then state.version.object:close() end
end

local function start_next(state)
  local peer = state.candidates[state.next]
  if not peer then return end
  state.next = state.next + 1
  local receipt, node = state.receipt, state.node
  table.insert(receipt.pending, peer.id)
  node:spawn(function()
    local ok, copied, err = pcall(copy, node, peer, state.version)
    remove(receipt.pending, peer.id)
    if ok and copied then
      table.insert(receipt.copies, peer.id)
      node.hooks:announce("copied", state.version.info, peer)
    else
      local reason = ok and tostring(err) or tostring(copied)
      table.insert(receipt.refused, { peer = peer.id, reason = reason })
      if ok then start_next(state) end
    end
    wake(state)
    close_when_done(state)
    if not ok then error(copied, 0) end
  end)
end

---The peers of a policy's answer, each once; nil when it is no list of peers.
local function checked_peers(node, list)
  local peers, seen = {}, {}
  for _, peer in ipairs(type(list) == "table" and list or { false }) do
    if not node.peer_list:is_peer(peer) then return nil end
    if not seen[peer] then peers[#peers + 1] = peer end
    seen[peer] = true
  end
  return peers
end

---Asks the policy: the peers to ask in turn, how many of them are to hold a copy, the quorum. What it gives is checked.
---@return table?, integer|filo.Error, integer?
local function decide(node, info)
  local policy = node.policy
  local function fail(text, ...)
    return errors.fail("invalid", ("policy '%s': "):format(policy.name) .. text:format(...) .. " (the object is stored here)")
  end
  local ok, list, wanted = pcall(policy.place, info, node.peer_list:list())
  if not ok then return fail("place failed: %s", list) end
  local candidates = checked_peers(node, list)
  if not candidates then return fail "place must return a list of peers" end
  if wanted ~= nil and (math.type(wanted) ~= "integer" or wanted < 0) then return fail "place must return a number of peers" end
  wanted = math.min(wanted or #candidates, #candidates)
  local quorum = policy.quorum
  if type(quorum) == "function" then
    ok, quorum = pcall(quorum, info, candidates)
    if not ok then return fail("quorum failed: %s", quorum) end
  end
  if quorum ~= nil and math.type(quorum) ~= "integer" then return fail "quorum must be an integer" end
  return candidates, wanted, quorum or wanted + 1
end

local function wait_for_quorum(state)
  local receipt, host = state.receipt, state.node.host
  state.waiting = host.current()
  while #receipt.copies < receipt.quorum and #receipt.pending > 0 do host.suspend() end
  state.waiting = nil
  if #receipt.copies >= receipt.quorum then return receipt end
  local reasons = {}
  for _, each in ipairs(receipt.refused) do reasons[#reasons + 1] = each.reason end
  local why = #reasons > 0 and table.concat(reasons, "; ") or "no more peers are connected"
  return errors.fail("not_enough_copies", ("%d of %d copies of '%s' were made (it is stored here): %s"):format(
    #receipt.copies, receipt.quorum, receipt.key, why), { key = receipt.key, receipt = receipt })
end

---Places copies of a version that is published here. version: {record, info, receipt, and body or object}
---@return filo.Receipt?, filo.Error?
function place.spread(node, version)
  local candidates, wanted, quorum = decide(node, version.info)
  if not candidates then
    if version.object then version.object:close() end
    return nil, wanted
  end
  version.receipt.quorum = quorum
  local state = new_state(node, version, candidates, wanted)
  for _ = 1, wanted do start_next(state) end
  close_when_done(state)
  return wait_for_quorum(state)
end

---Tells every connected peer of a tombstone. Gives a receipt; a peer that could not be told is named in it.
---@return filo.Receipt
function place.tell_all(node, tombstone)
  local receipt = {
    key = tombstone.key, version = tombstone.version, size = 0, copies = { node.id }, pending = {}, refused = {}, quorum = 1,
  }
  local tasks = {}
  for i, peer in ipairs(node.peer_list:list()) do
    tasks[i] = node.host.spawn_child(function()
      local ok, err = peer:request("store", { record = tombstone.record, body = "" })
      if ok then
        table.insert(receipt.copies, peer.id)
      else
        table.insert(receipt.refused, { peer = peer.id, reason = tostring(err) })
      end
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return receipt
end

return place
