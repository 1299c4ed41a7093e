---The exit status of commands: one table, so that a script that calls them can tell them apart.

local exit = {
  done = 0,
  failure = 1,            -- anything that is not below
  usage = 2,              -- the command line makes no sense
  not_found = 3,          -- there is no such object
  not_enough_copies = 4,  -- stored here, but not at as many peers as the policy asks for
  not_running = 5,        -- there is no running node to ask
}

---The status for an error: its code's own, or `failure`.
---@param err filo.Error
---@return integer
function exit.of(err) return exit[err.code] or exit.failure end

return exit
