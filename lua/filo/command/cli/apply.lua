---`filo apply`: moves copies as a plan says.

local applied = require "filo.command.applied"
local exit = require "filo.base.exit_status"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

return {
  summary = "Move copies as a plan says that 'filo plan' has shown.",

  describe = function(parser)
    root.option(parser)
    parser:mutex(
      parser:argument("plan", "Its ID. Without one: tell how far it is."):args "?",
      parser:flag("--pause", "Stop for now."),
      parser:flag("--continue", "Go on with one that is paused."):target "go_on",
      parser:flag("--revert", "Take back what was moved.")
    )
    parser:flag("--json", "For programs.")
    parser:epilog("The running node does it beside all else, and goes on after a restart: 'filo status' tells how far it is. Each copy is "
      .. "made before another goes, which the member that has it drops by itself, once the others have proved theirs.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local change = args.pause and "pause" or args.go_on and "continue" or args.revert and "revert"
    local of
    of, err = client:call("apply", { what = args.plan or change and { [change] = true } or nil })
    if not of then return nil, err end
    io.write(args.json and json.encode(of, { "plan", "what", "made", "total", "bytes" }) or applied(of), "\n")
    return exit.done
  end,
}
