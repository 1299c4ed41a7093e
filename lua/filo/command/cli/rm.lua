---`filo rm`: deletes objects everywhere, or only the copies here; or drops what is kept for another owner.

local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local in_order = require "filo.command.in_order"
local json = require "filo.base.json"
local new_progress = require "filo.command.progress"
local new_unreached = require "filo.command.unreached"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"

---A peer that has not taken a deletion keeps its copy.
local function check_told(key, receipt)
  local first = receipt.refused[1]
  if not first then return true end
  local others = #receipt.refused > 1 and (" (and %s)"):format(format.count(#receipt.refused - 1, "other", "others")) or ""
  return errors.fail("not_enough_copies", ("'%s' is deleted here, but peer %s%s still has a copy: %s"):format(
    format.printable(key), first.peer:sub(1, 16), others, first.reason), { key = key, receipt = receipt })
end

---A peer reads all of its copy before the one here goes.
local function show_check(progress, key, moving)
  for _, each in ipairs(moving) do
    if each.what == "check" then
      progress:show(("%s: checking the copy at %s"):format(format.printable(key), each.peer:sub(1, 16)), each.bytes, each.size)
    end
  end
end

local function describe(args, key, receipt)
  if args.json then return json.encode(args.here and { key = key } or receipt, { "key" }) end
  return (args.here and "evicted " or "deleted ") .. format.printable(key)
end

---Deletes what was named, or evicts it.
local function remove_keys(args)
  local list, err = root_keys.of(args, "rm")
  if not list then return nil, err end
  local unreached = new_unreached()
  local progress <close> = new_progress(args.quiet or args.json)
  local clients <close> = open.clients(args)
  local removed = in_order(list, function(key)
    if errors.is(key) then return nil, key end
    return clients:call(args.here and "evict" or "delete", { key = key, of = args.of }, function(event)
      show_check(progress, key, event.moving or {})
    end)
  end)
  local i = 0
  local status = failures.each("rm", list, function(key)
    i = i + 1
    local done, problem = removed(i)
    progress:clear()
    if not done then return nil, problem end
    local told
    if args.here then told = true else told, problem = check_told(key, done) end
    if not args.quiet and (told or not args.json) then io.write(describe(args, key, done), "\n") end
    if not args.here then unreached:note(done.unreached) end
    return told, problem
  end, args.json)
  return unreached:tell("rm", "what was deleted is told there once it is", status)
end

---Drops what is kept for one other owner.
local function remove_owned(args, client)
  local done, err = client:call("drop_owner", { owner = args.owner, force = args.force })
  if not done then return nil, err end
  if args.json then
    io.write(json.encode(done, { "owner", "objects", "bytes" }), "\n")
  elseif not args.quiet then
    io.write(("dropped %s, %s, kept for %s\n"):format(
      format.count(done.objects, "object", "objects"), format.bytes(done.bytes), done.owner))
  end
  if not done.failed then return exit.done end
  failures.tell("rm", ("%s could not be dropped; of the first: %s"):format(
    format.count(done.failed, "object", "objects"), done.problem))
  return exit.failure
end

---@return string? problem
local function check(args)
  if args.owner and (args.key[1] or args.recursive or args.here) then return "--owner goes without keys, -r and --here" end
  if not args.owner and not args.key[1] then return "name a key" end
  if args.force and not args.owner then return "-f is for --owner" end
end

return {
  summary = "Delete objects everywhere, or with --here this node's copies only; or what is kept for another owner.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "Their keys."):args "*"
    parser:flag("-r --recursive", "What is below these names, too: 'photos' is not 'photos2'. All that starts so: 'pho*'.")
    parser:flag("--here", "Free space here: the object stays at the peers, one of which must have read and checked its copy before. "
      .. "'filo undelete' brings the one here back for a day, unless its room is needed.")
    parser:option("--owner", "Drop the copies here of all that this node keeps for another one, with -f. For one who is gone for good: "
      .. "they may be the last. See 'filo usage'. 'filo undelete --owner' brings them back for a day."):argname "ID"
    parser:flag("-f --force", "Do what --owner says.")
    parser:flag("--json", "For programs: a receipt on each line.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
  end,

  run = function(args)
    local problem = check(args)
    if problem then return errors.fail("usage", problem) end
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    if args.owner then return remove_owned(args, client) end
    return remove_keys(args)
  end,
}
