---`filo serve`: runs the node until it is told to stop.

local exit = require "filo.base.exit_status"
local log = require "filo.command.log"
local root = require "filo.command.root"
local service = require "filo.command.service"

---In JSON, when that is what the log is read in.
local function failed(args, err)
  if not args.log_json then return nil, err end
  log.new({ level = "error", json = true }):write("error", tostring(err), { event = "failed", code = err.code })
  return exit.of(err)
end

return {
  summary = "Run the node until it is told to stop. SIGHUP makes it read node.lua again.",

  describe = function(parser)
    root.option(parser)
    parser:option("--log-level", "What to tell on stderr: error, warning or info. Default: what node.lua says, else info.")
      :argname("LEVEL"):choices(log.LEVELS)
    parser:option("--s3", "Serve S3 there, as 127.0.0.1:7181: `filo http-key` makes keys. node.lua may say more of it.")
      :argname("ADDRESS")
    parser:flag("--log-json", "Tell it in JSON, one object a line.")
  end,

  run = function(args)
    local path, err = root.path(args)
    if not path then return nil, err end
    local serving <close>, problem = service.open(path, args)
    if not serving then return failed(args, problem) end
    return serving:run()
  end,
}
