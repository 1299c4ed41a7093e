---`filo stop`: ends the running node.

local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

return {
  summary = "End the running node in order, and wait until it has ended.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs.")
    parser:epilog "As SIGTERM does: a service manager that started it sees it end with 0."
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local ended
    ended, err = client:call_to_end "stop"
    if not ended then return nil, err end
    if args.json then io.write(json.encode { root = client.root }, "\n") end
  end,
}
