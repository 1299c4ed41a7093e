---Peers that a script names, by themselves or by their node IDs. Misuse is an error at the line of the caller's caller.

local errors = require "filo.base.errors"

local named = {}

---The connected peer.
---@param node filo.node.Parts
---@param what string  that it is given to, for messages
---@param peer any
---@param level? integer  further up, where more functions are between
---@return filo.peers.Peer?, filo.Error?
function named.peer(node, what, peer, level)
  local known = node.peer_list:behind(peer)
  if not known and type(peer) ~= "string" then error(what .. ": a peer, or a node ID, expected", (level or 2) + 1) end
  local id = known and known.id or peer:lower()
  local connected = node.peer_list:get(id)
  if connected then return connected end
  if id == node.id then return errors.fail("invalid", ("%s: node %s is this node itself, and no peer"):format(what, id), { peer = id }) end
  return errors.fail("unreachable", ("node %s is not connected"):format(id), { peer = id })
end

---The IDs of the connected peers that the option `to` names; nil when it is not given.
---@return string[]?, filo.Error?
function named.peers(node, what, to)
  if to == nil then return nil end
  if type(to) == "string" or node.peer_list:behind(to) then to = { to } end
  local ids, seen, count = {}, {}, 0
  for _ in pairs(to) do count = count + 1 end
  if count ~= #to then error(what .. ": option 'to' must be a peer, a node ID, or a list of these", 3) end
  for _, each in ipairs(to) do
    local peer, err = named.peer(node, what .. ": option 'to'", each, 3)
    if not peer then return nil, err end
    if not seen[peer.id] then ids[#ids + 1], seen[peer.id] = peer.id, true end
  end
  return ids
end

---Where the options of `get` say that an object is to be looked for.
---@return filo.Reach?, filo.Error?
function named.reach(node, what, given)
  if not given.from then return given end
  local peer, err = named.peer(node, what .. ": option 'from'", given.from, 3)
  return peer and { from = peer }, err
end

return named
