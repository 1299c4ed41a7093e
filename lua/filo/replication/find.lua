---Finding: asks all peers for a key, and settles on the newest record that verifies.

local errors = require "filo.errors"

---Seconds to wait for further answers once a good one is there, and for any answer at all.
local PATIENCE, FIND_SECONDS = 0.2, 15

local find = {}

---One answer, checked: nil when the peer has nothing, or lies.
local function check(node, peer, namespace, key_hash, answer)
  if not answer.record then return nil end
  local fields, err = node.host.store.parse(answer.record)
  if fields and fields.namespace == namespace and fields.key_hash == key_hash then
    return { fields = fields, record = answer.record, body = answer.body, holders = { peer } }
  end
  local problem = err or errors.new("corrupt", "the record is another object's")
  node.host.log("warning", ("%s gave a bad record: %s"):format(tostring(peer), tostring(problem)))
  node.hooks:announce("corrupt", { namespace = namespace, key_hash = key_hash }, peer, problem)
  return nil
end

local function ask_all(node, peers, namespace, key_hash)
  local answers = node.host.channel(#peers)
  local tasks = {}
  for i, peer in ipairs(peers) do
    tasks[i] = node:spawn(function()
      local answer, err = peer:request("find", { namespace = namespace, key_hash = key_hash }, FIND_SECONDS)
      local good = answer and check(node, peer, namespace, key_hash, answer)
      answers:send { good = good or nil, err = err }
    end)
  end
  return answers, tasks
end

local function merge(best, found)
  if not best or found.fields.version > best.fields.version then return found end
  if found.record == best.record then table.insert(best.holders, found.holders[1]) end
  return best
end

---The newest version that peers have: {fields, record, body, holders}. nil and not_found as soon as all said no.
---@return table?, filo.Error?
function find.newest(node, namespace, key_hash, key)
  local host = node.host
  local peers = node.peer_list:list()
  local answers, tasks = ask_all(node, peers, namespace, key_hash)
  local _ <close> = setmetatable({}, { __close = function()
    for _, each in ipairs(tasks) do each:cancel() end
  end })
  local best, failures, patience = nil, 0, nil
  for _ = 1, #peers do
    local answer = answers:receive(patience and math.max(0, patience - host.now()))
    if not answer then break end
    if answer.err then failures = failures + 1 end
    if answer.good then
      best = merge(best, answer.good)
      patience = patience or host.now() + PATIENCE
    end
  end
  if best then return best end
  local asked = #peers == 0 and "no peers are connected to ask"
    or failures > 0 and ("%d of %d peers did not answer, the others do not have it"):format(failures, #peers)
    or ("none of %d peers has it"):format(#peers)
  return errors.fail("not_found", ("'%s' is not here, and %s"):format(key, asked), { key = key, retryable = failures > 0 or nil })
end

return find
