---`filo repair`: makes copies that are missing, now.

local exit = require "filo.base.exit_status"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local shortage = require "filo.command.shortage"

return {
  summary = "Make copies that are missing, now, and tell of those that cannot be made.",

  describe = function(parser)
    root.option(parser)
    parser:argument("prefix", "Objects whose names start so. Default: all that lies here, for others, too."):args "?"
    parser:flag("-n --dry-run", "Only tell what is missing.")
    parser:flag("--json", "For programs.")
    parser:epilog("A running node does so by itself: when a member is back, when one has been away for long, when a policy has changed, "
      .. "and each hour; but not while many members are away, since then it may be its own line that is cut. This does it all the same.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local report
    report, err = client:call("repair", { prefix = args.prefix, dry_run = args.dry_run })
    if not report then return nil, err end
    io.write(args.json and json.encode(report, { "objects", "short", "made" }) or shortage.text(report), "\n")
    return report.short > 0 and exit.not_enough_copies or exit.done
  end,
}
