---`filo share`: prints a capability, by which somebody else reads what is stored here.

local errors = require "filo.base.errors"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

---What is wrong with the command line.
local function check(args)
  if args.key and (args.all or args.write) then return "a key is one object, and --all and --write are all of them: leave one out" end
  if not args.key and not args.all and not args.write then return "say what: a key, --all, or --write" end
end

return {
  summary = "Print a capability, by which somebody else reads an object, or all of them.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "The object that can be read, in its later versions, too."):args "?"
    parser:flag("--all", "All objects can be read, and their names.")
    parser:flag("--write", "The same, and they can be made, changed and deleted.")
    parser:option("--for", "Who it is for: 'filo readers' lists what he was given, and 'filo forget-reader' changes the keys so that he "
      .. "reads nothing that comes."):argname("READER"):target "reader"
    parser:flag("--json", "For programs.")
    parser:epilog("Whoever has the line can do what it says, until the keys are changed, and keeps what he could read: send it where "
      .. "nobody else reads it. It is for 'filo accept', at a node that is connected to this one or to others that hold copies.")
  end,

  run = function(args)
    local problem = check(args)
    if problem then return errors.fail("usage", problem) end
    local node <close>, objects = open.reader_of(args)
    if not node then return nil, objects end
    local unknown
    if args.key then unknown = select(2, objects:stat(args.key)) end
    if unknown and unknown.code == "not_found" then
      failures.tell("share", ("there is no '%s' here yet: the capability is for what will be stored under that key"):format(
        format.printable(args.key)))
    end
    local line, err = objects:share(args.key, { write = args.write, reader = args.reader })
    if not line then return nil, err end
    io.write(args.json and json.encode({ capability = line, key = args.key }, { "capability" }) or line, "\n")
  end,
}
