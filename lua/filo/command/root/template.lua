---The text of a new node.lua.

local TEXT = [=[
-- The options of this node: a Lua script that returns them in a table. Its folder is the node's root, and the cluster secret is in the
-- file `cluster` there, so neither is named here. `filo help options` lists all that may be.
--
-- A running node reads this file again on SIGHUP (systemctl reload filo); when there is an error in it, the node goes on as it is.

local filo = require "filo"

return {
  -- Where this node listens. "0.0.0.0:7171" is every address of the machine.
  listen = %s,

  -- Nodes to stay connected to: "192.168.1.10:7171", or with the ID that must be found there, { address = ..., id = ... }.
  bootstrap = {%s},

  -- Who holds copies: filo.policy.everywhere, filo.policy.copies(3), or functions of your own.
  policy = filo.policy.everywhere,

  -- What `filo serve` tells: "error", "warning" or "info".
  log_level = "info",

  -- What is called with the node once it serves, and not again on SIGHUP: hooks and tasks of your own, such as
  --   start = function(node) node:on("peer_up", print) end,
}
]=]

---@param settings {listen: string, bootstrap?: {address: string, id: string}}
---@return string
return function(settings)
  local peer = settings.bootstrap
  local first = peer and ("\n    { address = %q, id = %q },\n  "):format(peer.address, peer.id) or ""
  return TEXT:format(("%q"):format(settings.listen), first)
end
