---Calls fn(key) each time that content began to be read to be stored, before it is looked at whether it has changed meanwhile, until the
---end of the scope: `local _ <close> = while_read(function(key) ... end)`. What is given as an open file has been read by then, and waits.

local new_activities = require "filo.copies.activity"

local Activities = getmetatable(new_activities()).__index

return function(fn)
  local begin = Activities.begin
  function Activities:begin(what, about, ...) -- luacheck: ignore 432
    local scope = begin(self, what, about, ...)
    if what == "store" then fn(about.key) end
    return scope
  end
  return setmetatable({}, { __close = function() Activities.begin = begin end })
end
