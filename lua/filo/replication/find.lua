---Finding: asks all peers for a key, and settles on the newest record that verifies.

local errors = require "filo.errors"
local limits = require "filo.limits"

local find = {}

---Reports a bad copy at a peer, and asks the peer to look at it.
function find.bad_copy(node, peer, fields, err)
  node.host.log("warning", ("%s gave a bad copy: %s"):format(tostring(peer), tostring(err)))
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
    return { fields = fields, record = answer.record, body = answer.body, holders = { peer } }
  end
  find.bad_copy(node, peer, asked, err)
  return nil, err
end

local function ask(node, peer, namespace, key_hash)
  local answer, err = peer:ask("find", { namespace = namespace, key_hash = key_hash }, limits.find)
  if not answer then return nil, err end
  return check(node, peer, namespace, key_hash, answer)
end

local function ask_all(node, peers, namespace, key_hash)
  local answers = node.host.channel(#peers)
  local tasks = {}
  for i, peer in ipairs(peers) do
    tasks[i] = node:spawn(function()
      local good, err = ask(node, peer, namespace, key_hash)
      answers:send { good = good, err = err }
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

---The newest version that peers have: {fields, record, body, holders}. nil and not_found as soon as all said no.
---@return table?, filo.Error?
function find.newest(node, namespace, key_hash, key)
  local host = node.host
  local peers = node.peer_list:list()
  local answers, tasks = ask_all(node, peers, namespace, key_hash)
  local _ <close> = setmetatable({}, { __close = function()
    for _, each in ipairs(tasks) do each:cancel() end
  end })
  local best, failed, patience = nil, 0, nil
  for _ = 1, #peers do
    local answer = answers:receive(patience and math.max(0, patience - host.now()))
    if not answer then break end
    if answer.err then failed = failed + 1 end
    if answer.good then
      best = merge(best, answer.good)
      patience = patience or host.now() + limits.patience
    end
  end
  if best then return best end
  return not_found(key, #peers, failed)
end

return find
