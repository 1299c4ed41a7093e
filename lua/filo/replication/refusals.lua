---Why peers hold no copy of what was stored lately: for people who ask.

local refusals = {}

local MOST = 1000 -- objects; the oldest is forgotten first

---Called when a node is made.
function refusals.install(node) node.refusals, node.refusal_order = {}, {} end

---Begins anew for an object that is being placed.
---@param key_hash string
function refusals.begin(node, key_hash)
  if not node.refusals[key_hash] then return end
  node.refusals[key_hash] = {}
end

---@param key_hash string
---@param id string  of the peer
---@param reason string
function refusals.note(node, key_hash, id, reason)
  local of_object = node.refusals[key_hash]
  if not of_object then
    of_object = {}
    node.refusals[key_hash] = of_object
    table.insert(node.refusal_order, key_hash)
    if #node.refusal_order > MOST then node.refusals[table.remove(node.refusal_order, 1)] = nil end
  end
  of_object[id] = reason
end

---@param key_hash string
---@param id string
---@return string?
function refusals.reason(node, key_hash, id)
  local of_object = node.refusals[key_hash]
  return of_object and of_object[id]
end

return refusals
