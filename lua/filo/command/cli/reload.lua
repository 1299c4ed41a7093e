---`filo reload`: has the running node read node.lua again.

local failures = require "filo.command.failures"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

return {
  summary = "Have the running node read node.lua again, and tell what is wrong with it.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs.")
    parser:epilog "As SIGHUP does. When there is an error in node.lua, the node goes on as it is, and the exit status is 1."
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local later
    later, err = client:call "reload"
    if not later then return nil, err end
    if args.json then io.write(json.encode { later = later }, "\n") end
    if later[1] then failures.tell("reload", "other values for what waits for a restart: " .. table.concat(later, ", ")) end
  end,
}
