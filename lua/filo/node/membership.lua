---What a node decides about members: who is none any more, and who is to be emptied.

local errors = require "filo.base.errors"
local target = require "filo.peers.target"

local membership = {}

---The member that is meant; also one that is not known here, by its whole ID.
---@return string? id, filo.Error?
local function find(node, name)
  local entry, err = node.peer_list.members.roster:find(name)
  if entry then return entry.id end
  if err.code == "not_found" and (name:lower() == node.id or name == node.options.about.name) then return node.id end
  if err.code == "not_found" and target.is_id(name) then return name:lower() end
  return nil, err
end

---@param state "forgotten"|"draining"|"member"
---@return filo.RosterEntry?, filo.Error?
local function decide(node, name, state)
  if node.options.readonly then
    return errors.fail("invalid", "this node only reads the root, beside the process that owns it: ask that one")
  end
  local keys = node.spaces.list[1].keys
  if keys:access() ~= "write" then
    return errors.fail("denied", "who the members are is decided by who writes the namespace, and this node only reads it")
  end
  local id, err = find(node, name)
  if not id then return nil, err end
  if id == node.id and state == "forgotten" then
    return errors.fail("invalid", "that is this node itself: it cannot forget itself, another member can")
  end
  return node.peer_list.members.roster:decide(id, state, keys)
end

---As Node:forget.
---@return filo.Member?, filo.Error?
function membership.forget(node, name, undo)
  local entry, err = decide(node, name, undo and "member" or "forgotten")
  if not entry then return nil, err end
  return node.peer_list.members:describe(entry)
end

---As Node:drain.
---@return filo.Member?, filo.Error?
function membership.drain(node, name, undo)
  local entry, err = decide(node, name, undo and "member" or "draining")
  if not entry then return nil, err end
  return node.peer_list.members:describe(entry)
end

return membership
