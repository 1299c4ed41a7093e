---What a command says to who was let read a namespace, once its keys were changed.

local failures = require "filo.command.failures"

---On standard error, where there are copies here for which no keys were given.
---@param name string  of the command
---@param objects filo.Node|filo.Namespace
return function(name, objects)
  local status = objects:rotation()
  if not status.ended then return end
  failures.tell(name, ("access to what was stored last ended when its keys were changed (generation %d): ask its owner to share it anew")
    :format(status.generation))
end
