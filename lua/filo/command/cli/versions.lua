---`filo versions`: lists the old versions of an object.

local failures = require "filo.command.failures"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

---Asks the running node, whose peers keep some, too; or else what lies in the root.
local function list(args)
  local client <close> = open.client(args)
  if client then return client:call("versions", { key = args.key, of = args.of }) end
  local node <close>, objects = open.reader_of(args)
  if not node then return nil, objects end
  return objects:versions(args.key)
end

local function line(each, args)
  if args.json then return json.encode(each, { "version", "time", "size", "here", "nodes" }) end
  local places = { each.here and "here" or nil }
  for i = each.here and 2 or 1, #each.nodes do places[#places + 1] = "at " .. each.nodes[i]:sub(1, 16) end
  return ("%d  %s  %10s  %s"):format(each.version, format.date(each.time), format.bytes(each.size), format.several(places, ", "))
end

return {
  summary = "List the old versions of an object that are kept, here and at peers.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "Its key.")
    parser:flag("--json", "For programs: a version on each line.")
    parser:epilog("Each holder of an object keeps as many as the policy says by 'keep_versions'; none where it says nothing. "
      .. "'filo get --version' writes one to a file. The version that counts is not among them: 'filo stat' tells it.")
  end,

  run = function(args)
    local found, err = list(args)
    if not found then return nil, err end
    for _, each in ipairs(found) do io.write(line(each, args), "\n") end
    if not found[1] and not args.json then
      failures.tell("versions", ("no old version of '%s' is kept: see 'keep_versions' of policies"):format(format.printable(args.key)))
    end
  end,
}
