---`filo put`: has the running node store files.

local attributes = require "filo.command.attributes"
local errors = require "filo.base.errors"
local failures = require "filo.command.failures"
local filo = require "filo"
local format = require "filo.base.format"
local json = require "filo.base.json"
local net = require "filo.core.net"
local new_progress = require "filo.command.progress"
local new_totals = require "filo.command.totals"
local new_unreached = require "filo.command.unreached"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local selection = require "filo.command.selection"

local KEPT, EMPTY = selection.KEPT, selection.EMPTY

local CHANGED = "%s changed each time while it was read: what was read is stored, and may be neither what was there before nor what is "
  .. "there now; store it again when nobody writes to it, or store a snapshot of it"

---So many at once: what is flushed to disk is flushed together.
local AT_ONCE = 8

---How much of a file is done, in bytes: sealing it is the first half, its copies are the second.
local function bytes_done(entry, moving)
  local sum, copies = 0, 0
  for _, each in ipairs(moving) do
    if each.what == "store" then return math.min(each.bytes, entry.size) / 2 end
    if each.what == "copy" and each.size > 0 then sum, copies = sum + each.bytes / each.size, copies + 1 end
  end
  return entry.size / 2 * (1 + (copies > 0 and sum / copies or 0))
end

local function show(state, entry)
  local done = state.done
  for _, bytes in pairs(state.under_way) do done = done + bytes end
  state.progress:show(format.printable(entry.key), done, state.total)
end

local function bytes_of(entries)
  local total = 0
  for _, each in ipairs(entries) do total = total + each.size end
  return total
end

local function describe(args, entry, receipt)
  if args.json then return json.encode(receipt, { "key", "size", "version" }) end
  local what = EMPTY[entry.kind] or format.bytes(receipt.size)
  local copies = receipt.copies and format.count(#receipt.copies, "copy", "copies")
  local state = receipt.unchanged and "unchanged" or not copies and "would be stored" or nil
  local told = copies and state and copies .. ", " .. state or copies or state
  return ("%s  %s  %s"):format(format.printable(receipt.key), what, told)
end

---The file to be read, where there is one; and what the node is asked for. What it is beside its content is looked at first: where it
---changes later the next `filo put` finds that, and stores it again.
local function request(args, entry)
  local ask = { of = args.of, key = entry.key, name = entry.path, empty = EMPTY[entry.kind] ~= nil }
  ask.force = args.force or not KEPT[entry.kind]
  if args.plain then ask.encrypt = false end
  ask.dry, ask.class = args.dry_run, args.class
  if KEPT[entry.kind] then
    local file, err = attributes.of_path(entry.path, entry.named, args)
    if not file then return nil, err end
    if file.kind ~= entry.kind then return errors.fail("io", format.printable(entry.path) .. " has just become something else") end
    ask.fields = { file = file }
  end
  if entry.is_stdin then return ask, io.stdin end
  if ask.empty then return ask end
  local file, err = net.open(entry.path)
  if not file then return nil, err end
  return ask, file
end

---Whether nothing is missing but copies at members that are away, which is told of once for all files.
local function lacks_away_only(err)
  local receipt = err.code == "not_enough_copies" and err.receipt
  return receipt and receipt.away and receipt.away[1] and not receipt.refused[1] and not receipt.lacking
end

---Stores one file.
local function store(state, entry)
  if entry.problem then return nil, entry.problem end
  local args = state.args
  local ask, file = request(args, entry)
  if not ask then return nil, file end
  local receipt, err = state.clients:call("store", ask, function(event)
    state.under_way[entry] = bytes_done(entry, event.moving or {})
    show(state, entry)
  end, file)
  if file and file ~= io.stdin then file:close() end
  if not receipt and not args.json and lacks_away_only(err) then receipt, err = err.receipt, nil end
  state.under_way[entry] = nil
  state.done = state.done + entry.size
  local changed = (receipt or err.receipt or {}).changed and CHANGED:format(format.printable(entry.path))
  if not receipt then return nil, changed and errors.wrap(err, changed) or err end
  if args.dry_run then receipt.size = entry.size end
  state.totals:add(receipt)
  state.unreached:note(receipt.unreached)
  state.unreached:note_away(receipt.away)
  state.progress:clear()
  local is_told = args.quiet or changed and args.json -- then with what went wrong
  if not is_told then io.write(describe(args, entry, receipt), "\n") end
  if changed then return errors.fail("io", changed, { key = receipt.key, receipt = receipt }) end
  return true
end

---Stores all, several at once.
local function store_all(state, entries)
  local results, at, tasks = {}, 0, {}
  for i = 1, math.min(AT_ONCE, #entries) do
    tasks[i] = filo.spawn(function()
      while at < #entries do
        at = at + 1
        local mine = at
        results[mine] = table.pack(store(state, entries[mine]))
        results[mine].key, results[mine].path = entries[mine].key, entries[mine].path
      end
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  state.progress:clear()
  return failures.each("put", results, function(result) return table.unpack(result, 1, result.n) end, state.args.json)
end

local function to_class(text)
  local class = math.tointeger(tonumber(text))
  if class and class >= 0 and class <= 255 then return class end
  return nil, ("the class must be a number from 0 to 255, not '%s'"):format(text)
end

return {
  summary = "Store files: here, and as copies at peers, as the policy of the running node says.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("path", "Files; '-' is standard input."):args "*"
    parser:option("-k --key", "Key of a single file. Default: its path, as given."):argname "KEY"
    parser:flag("-r --recursive", "Folders, with the files, folders and symbolic links in them, but for the root of the node itself.")
    parser:option("--exclude", "Leaves out what is called so below folders: '*.o', 'cache/', 'src/*.log'. May be given again.")
      :argname("PATTERN"):count "*"
    parser:option("--files-from", "A file with more names, one a line; '-' is standard input."):argname "FILE"
    parser:flag("-0 --null", "They end with a zero byte each, as find -print0 writes them.")
    parser:flag("-n --dry-run", "Store nothing: say what would be stored.")
    parser:flag("--owners", "Keep who owns files, and their groups: as numbers.")
    parser:flag("--hard-links", "Keep which files are one with several names. The content of each name is stored.")
    parser:flag("--plain", "Do not encrypt: for public data.")
    parser:option("--class", "A number from 0 to 255 for policies, which holders see. Default: the one that the object has, at first 0.")
      :argname("N"):convert(to_class)
    parser:flag("-f --force", "Store also what has not changed since it was stored, and has all its copies.")
    parser:flag("--json", "For programs: a receipt on each line.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
  end,

  run = function(args)
    local probe <close>, problem = open.client(args)
    if not probe then return nil, problem end
    local entries, err = selection.of(args)
    if not entries then return nil, err end
    local progress <close> = new_progress(args.quiet or args.json)
    local unreached, totals = new_unreached(), new_totals()
    local clients <close> = open.clients(args)
    local status = store_all({
      args = args, clients = clients, progress = progress, done = 0, total = bytes_of(entries), under_way = {}, unreached = unreached,
      totals = totals,
    }, entries)
    if #entries > 1 and not args.quiet and not args.json then io.write(totals:text(#entries, args.dry_run), "\n") end
    return unreached:tell("put", "copies that the policy wants there are missing, and are made once it is back", status)
  end,
}
