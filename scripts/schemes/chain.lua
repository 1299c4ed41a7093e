-- Chain replication: a write goes to the head of a chain of members, each hands it on to the next, and it is done when the tail has it.
-- A read asks the tail: what it has, all have. Each object has a chain of its own, drawn from its name.
--
--   filo sim scripts/schemes/chain.lua --faults kill,partition,absence
--
-- In node.lua, with this file beside it:
--
--   local scheme = dofile(... .. "/chain.lua")
--   return { listen = ":7171", policy = scheme.policy, start = scheme.start }
--
-- Storing, by a script beside it that is run as `filo --attach ROOT store.lua KEY FILE`:
--
--   print(assert(dofile("chain.lua").put(node, ..., filo.file(select(2, ...)))).size)

local filo = require "filo"

local LENGTH = 3 -- members of a chain, beside who stores

-- The members in the order in which they stand in the chain of an object.
local function rank(key_hash, members)
  local drawn = {}
  for _, member in ipairs(members) do drawn[member.id] = filo.crypto.digest("sha256", key_hash .. member.id) end
  table.sort(members, function(a, b) return drawn[a.id] < drawn[b.id] end)
  return members
end

local policy = {
  name = "a chain of three",
  place = function(object, members) return rank(object.key_hash, members), LENGTH end,
}

-- The IDs of the chain, from head to tail, of the members that are up.
local function chain_of(node, key)
  local up, ids = {}, {}
  for _, member in ipairs(node:members()) do
    if member.state == "up" and member.connected then up[#up + 1] = member end
  end
  for i, member in ipairs(rank(node:key_hash(key), up)) do
    if i <= LENGTH then ids[i] = member.id end
  end
  return ids
end

-- A link of a chain: hands on what has come, and answers once the tail has it.
local function start(node)
  node:handle("chain", function(link)
    local next = table.remove(link.rest, 1)
    if not next then return true end
    local passed, err = node:pass(link.copy, next)
    if not passed and err.code ~= "exists" then return nil, err end
    return node:request(next, "chain", link)
  end)
end

local function put(node, key, content)
  local receipt, err = node:store(key, content, { to = {} })
  local chain = receipt and chain_of(node, key) or {}
  local head = table.remove(chain, 1)
  if not head then return receipt and node:replicate(key), err end
  local link = { copy = { owner = node:namespace().id, key_hash = node:key_hash(key), version = receipt.version }, rest = chain }
  if node:replicate(key, { to = head }) then node:request(head, "chain", link) end
  return node:replicate(key) -- where the chain is whole this sends nothing; of one that broke it makes the rest
end

-- What the tail has; where that is away, or behind, what the one before it has.
local function get(node, key, options)
  local here, chain = node:stat(key), chain_of(node, key)
  for i = options and options.newest and 0 or #chain, 1, -1 do
    local object = node:get(key, { from = chain[i] })
    if object and (not here or object.version >= here.version) then return object end
    if object then object:close() end
  end
  return node:get(key, { newest = true })
end

return { policy = policy, start = start, put = put, get = get }
