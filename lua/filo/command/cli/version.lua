---`filo version`: says which version of Filo this is.

local filo = require "filo"
local json = require "filo.base.json"

return {
  summary = "Say which version of Filo this is.",

  describe = function(parser) parser:flag("--json", "For programs.") end,

  run = function(args)
    local lua = _VERSION:match "[%d.]+"
    local text = args.json and json.encode { version = filo.VERSION, lua = lua } or ("filo %s (Lua %s)"):format(filo.VERSION, lua)
    io.write(text, "\n")
  end,
}
