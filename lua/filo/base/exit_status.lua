---The exit status of commands: one table, so that a script that calls them can tell them apart.

local exit = {
  done = 0,
  failure = 1,            -- anything that is not below
  usage = 2,              -- the command line makes no sense
  not_found = 3,          -- there is no such object
  not_enough_copies = 4,  -- stored here, but not at as many peers as the policy asks for; or a copy here is bad
  not_running = 5,        -- there is no running node to ask
}

---The status for an error: its code's own, or `failure`. What is not found is an object where the error has its key; else it is a file, a
---folder or a topic of help.
---@param err filo.Error
---@return integer
function exit.of(err)
  if err.code == "not_found" and not err.key then return exit.failure end
  return exit[err.code] or exit.failure
end

return exit
