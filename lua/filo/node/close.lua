---The end of a node: its connections, its tasks, and then its disk, which gives the root free.

local errors = require "filo.base.errors"

---Waits by wait(seconds), and for the rest of that time when the task is cancelled meanwhile. Gives the cancellation.
---@return filo.Error?
local function wait_in_full(node, seconds, wait)
  local deadline, cancelled = node.host.now() + seconds, nil
  while true do
    local ok, err = pcall(wait, math.max(0, deadline - node.host.now()))
    if ok or not errors.is_cancelled(err) then return cancelled end
    cancelled = err
  end
end

---@param node filo.node.Parts
return function(node)
  node.closed = true
  if node.listener then node.listener:close() end
  node.peer_list:close()
  node.tasks:close()
  local limits = node.host.limits
  local cancelled = wait_in_full(node, limits.close_tasks, function(seconds) node.tasks:wait_ended(seconds) end)
  node.tasks:close() -- once more, for those that caught it
  node.peer_list.members.roster:save()
  node.beliefs:flush()
  node.landings:close()
  node.handed_out:close()
  cancelled = node.catalogue:close() or cancelled
  cancelled = wait_in_full(node, limits.close_disk, function(seconds) node.disk:wait_idle(seconds) end) or cancelled
  node.disk:close() -- only then the root is free
  if node.tls then node.tls:close() end
  node.ended:open()
  if cancelled then error(cancelled, 0) end
end
