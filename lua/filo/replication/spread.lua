---Placing: copies of a version that is published here, at peers as the policy says. A peer that refuses, or stops taking bytes, is
---replaced by the next.

local activity = require "filo.node.activity"
local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"
local new_progress = require "filo.host.progress"
local newer = require "filo.replication.superseded"
local patiently = require "filo.replication.retry"
local refusals = require "filo.replication.refusals"

local place = {}

-- One copy ------------------------------------------------------------------------------------------------------------

---Asks the peer to take what the transfer sends, and waits as long as bytes move, and then as long as publishing may take.
local function fill(node, peer, request, transfer, total)
  local limits = node.host.limits
  local asking = node.host.spawn_child(peer.request, peer, "fill", request, math.huge):observe()
  local _ <close> = at_end(function() asking:cancel() end)
  local progress = new_progress(node.host, function() return transfer and transfer:bytes() or total end)
  local answer, err
  local ended, sent = progress:wait(total, limits.send_stall, limits.publish, function(seconds)
    answer, err = asking:join(seconds)
    return answer ~= nil or asking:status() == "ended"
  end)
  if ended then return answer, err end
  return errors.fail("timeout", sent and "it took all bytes, but does not say that it has published them"
    or "it takes no bytes, or next to none", { peer = peer.id })
end

---Tells a peer of the record, sends what it lacks, and returns when it has published the copy.
---@return table?, filo.Error?
local function copy_large(node, peer, version)
  local turn <close>, late = peer:turn "landings_of_peer"
  if not turn then return nil, late end
  local record = version.record
  local answer, err = peer:ask("offer", { record = record })
  if not answer or not answer.want then return answer, err end
  local object <close> = version.object:share()
  local hashes, first = answer.hashes == true, answer.want
  local transfer <close>, problem = peer:send_object(object, hashes, first)
  if not transfer and problem.code ~= "invalid" then return nil, problem end -- invalid: nothing is missing
  local request = { record = record, stream = transfer and transfer:number() or 0, hashes = transfer and hashes or false, first = first }
  local total = transfer and chunks.bytes_of(node.host, version.info.size, hashes, first) or 0
  local _ <close> = activity.begin(node, "copy", { key = version.info.key, peer = peer.id, size = total },
    function() return transfer and transfer:bytes() or 0 end)
  return fill(node, peer, request, transfer, total)
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

---What `store` and `delete` give: who holds the version.
---@class filo.Receipt
---@field key string
---@field version integer
---@field size integer
---@field copies string[]  IDs of the nodes that hold a copy, this one first
---@field pending string[]  IDs of peers that are being sent one
---@field refused table[]  {peer = id, reason = text}
---@field quorum integer  copies that had to be made
---@field replaced? integer  the later version that this node stored meanwhile, and that took the place of this one

local function remove(list, value)
  for i, each in ipairs(list) do
    if each == value then return table.remove(list, i) end
  end
end

local function refuse(state, peer, reason)
  table.insert(state.receipt.refused, { peer = peer.id, reason = reason })
  refusals.note(state.node, state.key_hash, peer.id, reason)
end

local start_round

---A peer has a version that is no older. When this node had forgotten that one, all is placed anew, as a version that is newer.
local function settle_newer(state, round, peer, record)
  local what, number = newer(state.node, round.version, record)
  if round ~= state.round then return end -- another peer said so, too, and first
  if not what then return refuse(state, peer, tostring(number)) end
  state.round = nil
  if what == "replaced" then
    state.receipt.replaced = number
    return
  end
  local version, err = state.renew(state.node, round.version, number)
  if version then return start_round(state, version) end
  refuse(state, peer, ("it has a newer version, and no other could be made here: %s"):format(tostring(err)))
end

local start_next

---What became of one copy. Waits when a new version has to be made; the peer counts as pending meanwhile.
local function settle(state, round, peer, called, answer, err)
  if state.round ~= round then return end
  if called and answer and answer.record then
    settle_newer(state, round, peer, answer.record)
  elseif called and answer then
    table.insert(state.receipt.copies, peer.id)
    state.node.hooks:announce("copied", round.version.info, peer)
  else
    refuse(state, peer, tostring(called and err or answer))
    if called then start_next(state) end
  end
end

---A round sends one version to peers. state: candidates, wanted, next (candidate), round, receipt, waiting.
function start_next(state)
  local node, round = state.node, state.round
  local peer = round and state.candidates[state.next]
  if not peer then return end
  state.next = state.next + 1
  local pending = state.receipt.pending
  table.insert(pending, peer.id)
  round.running = round.running + 1
  node:spawn(function()
    local called, answer, err = pcall(copy, node, peer, round.version)
    local settled, problem = pcall(settle, state, round, peer, called, answer, err)
    remove(pending, peer.id)
    round.running = round.running - 1
    if round.running == 0 and round.version.object then round.version.object:close() end
    state.settled:wake()
    if not called then error(answer, 0) end
    if not settled then error(problem, 0) end
  end)
end

function start_round(state, version)
  local receipt = state.receipt
  state.round, state.next = { version = version, running = 0 }, 1
  receipt.version, receipt.copies, receipt.pending, receipt.refused = version.version, { state.node.id }, {}, {}
  for _ = 1, state.wanted do start_next(state) end
  if state.round.running == 0 and version.object then version.object:close() end
end

---The peers of a policy's answer, each once; nil when it is no list of peers.
local function checked_peers(node, ids)
  local peers, seen = {}, {}
  for _, id in ipairs(ids or { false }) do
    local peer = node.peer_list:get(id)
    if not peer then return nil end
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
  local ok, ids, wanted = pcall(policy.place, info, node.peer_list:list())
  if not ok then return fail("place failed: %s", ids) end
  local candidates = checked_peers(node, ids)
  if not candidates then return fail "place must return a list of peers" end
  if wanted ~= nil and (math.type(wanted) ~= "integer" or wanted < 0) then return fail "place must return a number of peers" end
  wanted = wanted or #candidates
  local quorum = policy.quorum
  if type(quorum) == "function" then
    ok, quorum = pcall(quorum, info, candidates)
    if not ok then return fail("quorum failed: %s", quorum) end
  end
  if quorum ~= nil and math.type(quorum) ~= "integer" then return fail "quorum must be an integer" end
  return candidates, math.min(wanted, #candidates), quorum or wanted + 1
end

---How many copies the policy would want to be made of an object if it were stored now.
---@return integer?, filo.Error?
function place.quorum(node, info)
  local candidates, err, quorum = decide(node, info)
  if not candidates then return nil, err end
  return quorum
end

local function wait_for_quorum(state)
  local receipt = state.receipt
  state.settled:wait_for(function() return #receipt.copies >= receipt.quorum or #receipt.pending == 0 or receipt.replaced end)
  if receipt.replaced or #receipt.copies >= receipt.quorum then return receipt end
  local reasons = {}
  for _, each in ipairs(receipt.refused) do reasons[#reasons + 1] = each.reason end
  local why = #reasons > 0 and table.concat(reasons, "; ") or "no more peers are connected"
  return errors.fail("not_enough_copies", ("%d of %d copies of '%s' were made (it is stored here): %s"):format(
    #receipt.copies, receipt.quorum, receipt.key, why), { key = receipt.key, receipt = receipt })
end

---Places copies of a version that is published here: {record, version, path, key_hash, info, and body or object}. The receipt is
---filled in, also after this has returned. renew(node, version, known): the same content as a version that is newer than `known`.
---@return filo.Receipt?, filo.Error?
function place.spread(node, version, receipt, renew)
  local state = { node = node, receipt = receipt, renew = renew, key_hash = version.key_hash, settled = new_gate(node.host) }
  refusals.begin(node, version.key_hash)
  local _ <close> = at_end(function()
    if not state.candidates and version.object then version.object:close() end -- the policy gave nobody
  end)
  receipt.version, receipt.copies, receipt.pending, receipt.refused = version.version, { node.id }, {}, {}
  local candidates, wanted, quorum = decide(node, version.info)
  if not candidates then return nil, wanted end
  state.candidates, state.wanted, receipt.quorum = candidates, wanted, quorum
  start_round(state, version)
  return wait_for_quorum(state)
end

return place
