---Finding: asks all peers for a key, and settles on the newest record that verifies.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"

local new_gate = require "filo.host.gate"

local find = {}

---Reports a bad copy at a peer, and asks the peer to look at it.
function find.bad_copy(node, peer, fields, err)
  node.peer_list.report("warning", peer.id, "bad copy", ("%s gave a bad copy: %s"):format(tostring(peer), tostring(err)))
  node.hooks:announce("corrupt", fields, peer, err)
  node:spawn(peer.request, peer, "check", { namespace = fields.namespace, key_hash = fields.key_hash })
end

---Whether a body (the hashes, then the ciphertext) is what the record vouches for. It is small: of one chunk, or none.
local function vouched(host, fields, body)
  local digest = host.crypto.digest
  local hashes = fields.size > 0 and body:sub(1, 32) or ""
  local content = body:sub(#hashes + 1)
  return #content == fields.size and digest("sha256", "filo chunks v1" .. hashes) == fields.root
    and (fields.size == 0 or digest("sha256", content) == hashes)
end

---One answer, checked: nothing when the peer has nothing; nil and an error when it lies.
local function check(node, peer, namespace, key_hash, answer)
  if not answer.record then return nil end
  local asked = { namespace = namespace, key_hash = key_hash }
  local fields, err = node.host.store.parse(answer.record)
  if fields and (fields.namespace ~= namespace or fields.key_hash ~= key_hash) then
    err = errors.new("corrupt", "the record is another object's")
  elseif fields and answer.body and not vouched(node.host, fields, answer.body) then
    err = errors.new("corrupt", "the content does not match its record")
  elseif fields then
    return { fields = fields, record = answer.record, body = answer.body, holders = { peer }, verified = answer.verified }
  end
  find.bad_copy(node, peer, asked, err)
  return nil, err
end

---What one peer has: {fields, record, body, holders}; nil when it has nothing; nil and an error when it does not say, or lies.
function find.at(node, peer, namespace, key_hash)
  local answer, err = peer:ask("find", { namespace = namespace, key_hash = key_hash }, node.host.limits.find)
  if not answer then return nil, err end
  return check(node, peer, namespace, key_hash, answer)
end

---Asks all at once. Each answers, if only that its task was cancelled.
local function ask_all(node, peers, namespace, key_hash)
  local answers = node.host.channel(math.max(#peers, 1))
  local tasks = {}
  for i, peer in ipairs(peers) do
    tasks[i] = node:spawn(function()
      local good, err = nil, errors.new("closed", "the node was closed")
      local _ <close> = at_end(function() answers:send { good = good, err = err } end)
      good, err = find.at(node, peer, namespace, key_hash)
    end)
  end
  return answers, tasks
end

local function merge(best, found)
  if not best or found.fields.version > best.fields.version then return found end
  if found.record == best.record then
    table.insert(best.holders, found.holders[1])
    best.body = best.body or found.body
  end
  return best
end

local function not_found(key, asked, failed)
  local why = asked == 0 and "no peers are connected to ask"
    or failed == 0 and ("none of %d peers has it"):format(asked)
    or ("%d of %d peers gave no good answer"):format(failed, asked)
  if failed > 0 and failed < asked then why = why .. ", the others do not have it" end
  return errors.fail("not_found", ("'%s' is not here, and %s"):format(key, why), { key = key, retryable = failed > 0 or nil })
end

---Takes answers until all are there, or `patience` seconds after the first good one. state: best, failed, left.
local function collect(node, answers, state, patience)
  local host = node.host
  local deadline = host.now() + 2 * host.limits.find -- each is asked for no longer than limits.find, in its turn
  while state.left > 0 do
    local answer = answers:receive(math.max(0, deadline - host.now()))
    if not answer then return end
    state.left = state.left - 1
    if answer.err then state.failed = state.failed + 1 end
    if answer.good then
      if not state.best then deadline = math.min(deadline, host.now() + patience) end
      state.best = merge(state.best, answer.good)
      if state.heard then state.heard() end
    end
  end
end

---Goes on listening to those who are late: they become holders, too, or have something newer.
local function listen_on(node, answers, state, later)
  local found, gate = state.best, new_gate(node.host)
  local count = #found.holders

  ---Waits for one more holder than there were at the last time; false when none will come.
  function found.wait_for_holder()
    gate:wait_for(function() return #found.holders > count or gate.is_open end)
    local more = #found.holders > count
    count = #found.holders
    return more
  end

  function state.heard() gate:wake() end

  node:spawn(function()
    local _ <close> = at_end(function() gate:open() end)
    collect(node, answers, state, node.host.limits.find)
    if state.best.fields.version > found.fields.version then later(state.best) end
  end)
end

---The newest version that peers have: {fields, record, body, holders, wait_for_holder}. nil and not_found as soon as all said no. With
---`later`, peers that answer late are still heard: they join the holders, and when one has a newer version, later(found) is called.
---@return table?, filo.Error?
function find.newest(node, namespace, name, later)
  local peers = node.peer_list:list()
  local answers, tasks = ask_all(node, peers, namespace, name.hash)
  local state = { failed = 0, left = #peers }
  local _ <close> = at_end(function()
    if state.listening then return end
    for _, each in ipairs(tasks) do each:cancel() end
  end)
  collect(node, answers, state, node.host.limits.patience)
  if not state.best then return not_found(name.key, #peers, state.failed) end
  local found = state.best
  state.listening = later ~= nil and state.left > 0
  if state.listening then listen_on(node, answers, state, later) end
  return found
end

return find
