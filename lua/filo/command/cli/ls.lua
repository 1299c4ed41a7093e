---`filo ls`: lists the objects of the node, here and at peers.

local catalogue_progress = require "filo.command.catalogue_progress"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"
local tell_access = require "filo.command.access"

local FIRST = { "key", "size", "modified", "version", "here" }

local function line(item, args)
  if args.json then return json.encode(json.with_object(item, "fields"), FIRST) end
  local key = format.printable(item.key)
  if args.conflicts then key = ("%s  was kept beside %s"):format(key, format.printable(item.conflict)) end
  if not args.long then return key end
  local modified = item.modified and format.date(item.modified) or ("-"):rep(19)
  return ("%10s  %s  %-4s  %s"):format(format.bytes(item.size), modified, item.here and "here" or "-", key)
end

---What is not here stands among the others: how many these are is said behind all.
local function tell_absent(count, args)
  if count == 0 or args.json then return end
  local text = "%s not here%s: 'filo get' fetches them from peers that have them"
  failures.tell("ls", text:format(format.count(count, "of these is", "of these are"), args.long and "" or " (-l marks what is)"))
end

return {
  summary = "List the objects that the node has stored, here and at peers.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("name", "Only this object and what is below it: 'photos' is not 'photos2'. All that starts so: 'pho*'.")
      :args "?":convert(tostring)
    parser:flag("-l --long", "With size, time of modification, and what is here.")
    parser:flag("--conflicts", "Only what was kept of two versions that were written at once, and beside what.")
    parser:flag("--json", "For programs: an object on each line.")
    parser:epilog("Works with and without a running node. The order is that of the keys. Of what lies at peers only, a running node hears "
      .. "from them when they connect and each minute.")
  end,

  run = function(args)
    local node <close>, objects = open.reader_of(args)
    if not node then return nil, objects end
    local status
    local function note(path)
      local problem = root_keys.unreadable(path)
      failures.tell("ls", problem.message)
      if args.json then failures.write_json(problem) end
      status = exit.failure
    end
    local _ <close> = catalogue_progress(node, "ls")
    local absent = 0
    for item in root_keys.each(objects, args.name or "", note, args.json) do
      local wanted = not args.conflicts or item.conflict
      if wanted and not io.write(line(item, args), "\n") then return exit.failure end -- whoever reads has enough
      if wanted and not item.here then absent = absent + 1 end
    end
    tell_absent(absent, args)
    tell_access("ls", objects)
    return status
  end,
}
