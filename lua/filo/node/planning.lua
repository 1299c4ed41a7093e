---What should be where: one answer for all who ask.

local errors = require "filo.base.errors"
local placement = require "filo.placement.plan"

---@param node filo.node.Parts
---@return fun(info: table, holders?: filo.Holder[]): filo.Plan?, filo.Error?  info: the object: key, key_hash, namespace, version, size;
---holders: the copies that are known of, the one here when left out
return function(node)
  return function(info, holders)
    local plan, problem = placement.make {
      policy = node.policy, object = info, members = node.peer_list:list(), unreached = node.peer_list:unreached(), me = node.id,
      holders = holders or { { node = node.id, version = info.version } },
    }
    if plan then return plan end
    node.peer_list.report("error", "", "place", problem)
    return errors.fail("invalid", problem .. " (the object is stored here)")
  end
end
