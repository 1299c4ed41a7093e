---`filo ls`: lists the objects that the node stores of its own.

local catalogue_progress = require "filo.command.catalogue_progress"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"

local FIRST = { "key", "size", "modified", "version" }

local function line(item, args)
  if args.json then return json.encode(json.with_object(item, "fields"), FIRST) end
  if not args.long then return format.printable(item.key) end
  local modified = item.modified and format.date(item.modified) or ("-"):rep(19)
  return ("%10s  %s  %s"):format(format.bytes(item.size), modified, format.printable(item.key))
end

return {
  summary = "List the objects that the node stores of its own.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("name", "Only this object and what is below it: 'photos' is not 'photos2'. All that starts so: 'pho*'.")
      :args "?":convert(tostring)
    parser:flag("-l --long", "With size and time of modification.")
    parser:flag("--json", "For programs: an object on each line.")
    parser:epilog "Works with and without a running node. The order is that of the keys."
  end,

  run = function(args)
    local node <close>, err = open.reader(args)
    if not node then return nil, err end
    local objects
    objects, err = open.objects(node, args)
    if not objects then return nil, err end
    local status
    local function note(path)
      local problem = root_keys.unreadable(path)
      failures.tell("ls", problem.message)
      if args.json then failures.write_json(problem) end
      status = exit.failure
    end
    local _ <close> = catalogue_progress(node, "ls")
    for item in root_keys.each(objects, args.name or "", note, args.json) do
      if not io.write(line(item, args), "\n") then return exit.failure end -- whoever reads has enough
    end
    return status
  end,
}
