---`filo undelete`: brings back what lies in the trash.

local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"

---The keys that a command line names: with -r, of what lies in the trash; and errors of what there is none for.
---@return (string|filo.Error)[]?, filo.Error?
local function named(args)
  if not args.recursive then return args.key end
  local node <close>, objects = open.reader_of(args)
  if not node then return nil, objects end
  local keys, seen = {}, {}
  for copy in node:trash() do
    if copy.key and copy.owner == (args.of and objects or node:namespace()).id then seen[copy.key] = true end
  end
  for _, name in ipairs(args.key) do
    local found = false
    for key in pairs(seen) do
      if root_keys.means(name, key) then keys[#keys + 1], found = key, true end
    end
    if not found then
      keys[#keys + 1] = errors.new("not_found", ("nothing in the trash is named '%s'"):format(format.printable(name)), { key = name })
    end
  end
  table.sort(keys, function(a, b) return (errors.is(a) and a.key or a) < (errors.is(b) and b.key or b) end)
  return keys
end

local function undelete_keys(args, client)
  local list, err = named(args)
  if not list then return nil, err end
  return failures.each("undelete", list, function(key)
    if errors.is(key) then return nil, key end
    local receipt, problem = client:call("undelete", { key = key, of = args.of })
    if not receipt then return nil, problem end
    if args.json then
      io.write(json.encode(receipt, { "key" }), "\n")
    elseif not args.quiet then
      io.write(("brought back %s, %s\n"):format(format.printable(key), format.bytes(receipt.size)))
    end
    return true
  end, args.json)
end

---Copies that were kept for one other owner.
local function undelete_owned(args, client)
  local done, err = client:call("undelete_owner", { owner = args.owner })
  if not done then return nil, err end
  if args.json then
    io.write(json.encode(done, { "owner", "objects", "bytes" }), "\n")
  elseif not args.quiet then
    io.write(("brought back %s, %s, kept for %s\n"):format(
      format.count(done.objects, "object", "objects"), format.bytes(done.bytes), done.owner))
  end
  if not done.failed then return exit.done end
  failures.tell("undelete", ("%s could not be brought back; of the first: %s"):format(
    format.count(done.failed, "object", "objects"), done.problem))
  return exit.failure
end

return {
  summary = "Bring back what was dropped here, and where that is kept what was deleted.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "Their keys."):args "*"
    parser:flag("-r --recursive", "What is below these names, too: 'photos' is not 'photos2'. All that starts so: 'pho*'.")
    parser:option("--owner", "All that was kept for another one and dropped, as 'filo rm --owner' does."):argname "ID"
    parser:flag("--json", "For programs: a receipt on each line.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
    parser:epilog("'filo trash' lists what there is. What was deleted by 'filo rm' is there only with the option 'trash = { deletes = "
      .. "true }' in node.lua; it becomes a new version, with copies as if it were stored again.")
  end,

  run = function(args)
    if args.owner and (args.key[1] or args.recursive) then return errors.fail("usage", "--owner goes without keys and -r") end
    if not args.owner and not args.key[1] then return errors.fail("usage", "name a key: 'filo trash' lists them") end
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    if args.owner then return undelete_owned(args, client) end
    return undelete_keys(args, client)
  end,
}
