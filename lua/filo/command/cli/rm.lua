---`filo rm`: deletes objects everywhere, or only the copies here.

local failures = require "filo.command.failures"
local format = require "filo.base.format"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

return {
  summary = "Delete objects everywhere, or with --here this node's copies only.",

  describe = function(parser)
    root.option(parser)
    parser:argument("key", "Their keys."):args "+"
    parser:flag("--here", "Free space here: the object stays at the peers, one of which must have it.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    return failures.each("rm", args.key, function(key)
      local done, problem = client:call(args.here and "evict" or "delete", { key = key })
      if not done then return nil, problem end
      if not args.quiet then io.write(args.here and "evicted " or "deleted ", format.printable(key), "\n") end
      return true
    end)
  end,
}
