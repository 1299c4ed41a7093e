---What should be where: one answer for all who ask.

local errors = require "filo.base.errors"
local placement = require "filo.placement.plan"

---The peers without some.
local function without(peers, refused)
  local list = {}
  for _, peer in ipairs(peers) do
    if not refused[peer.id] then list[#list + 1] = peer end
  end
  return list
end

---@param node filo.node.Parts
---@return fun(info: table, holders: filo.Holder[], refused?: table<string, true>): filo.Plan?, filo.Error?
---  info: the object: key, key_hash, namespace, version, size, fields; holders: the copies that are known of; refused: IDs of peers that
---  would not take one
return function(node)
  return function(info, holders, refused)
    local plan, problem = placement.make {
      policy = node.policy, object = info, members = without(node.peer_list:list(), refused or {}),
      unreached = node.peer_list:unreached(), me = node.id, holders = holders,
    }
    if plan then return plan end
    node.peer_list.report("error", "", "place", problem)
    return errors.fail("invalid", problem .. " (the object is stored here)")
  end
end
