---`filo put`: has the running node store files.

local attributes = require "filo.command.attributes"
local errors = require "filo.base.errors"
local failures = require "filo.command.failures"
local files = require "filo.command.files"
local filo = require "filo"
local format = require "filo.base.format"
local json = require "filo.base.json"
local net = require "filo.core.net"
local new_progress = require "filo.command.progress"
local new_unreached = require "filo.command.unreached"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local CHANGED = "%s changed each time while it was read: what was read is stored, and may be neither what was there before nor what is "
  .. "there now; store it again when nobody writes to it, or store a snapshot of it"

local STDIN = "standard input"

---So many at once: what is flushed to disk is flushed together.
local AT_ONCE = 8

---What may be stored when it is named.
local READABLE = { f = true, p = true, c = true }

---What is stored with what it is beside its content, also below a folder; and what of that has no content.
local KEPT = { f = true, d = true, l = true }
local EMPTY = { d = "folder", l = "symbolic link" }

---Why other things are not, when they are named.
local NO_FILE = { d = "a folder: -r stores what is in it", l = "a symbolic link, and nothing is there", s = "a socket" }

local function check_named(args, path, kind)
  if READABLE[kind] or kind == "d" and args.recursive then return true end
  local code = kind == "d" and "usage" or "invalid"
  return errors.fail(code, ("%s is no file: it is %s"):format(format.printable(path), NO_FILE[kind] or "a device"))
end

---The key of something that was found; nil for a folder that has no name of its own, such as "." and "/".
local function key_of(args, entry)
  local key = args.key or files.plain(entry.path .. (entry.kind == "d" and "/" or ""))
  if key ~= "" and key ~= "/" then return key end
end

---What a command line's path stands for: entries with keys, or with the problem that keeps them from being listed; and how many things
---below it can be stored in no way.
local function entries_of(args, path)
  if path == "-" then return { { path = STDIN, kind = "p", size = 0, key = args.key } }, 0 end
  local own = assert(root.path(args))
  local list, err = files.list(path, args.recursive, own)
  if not list then return nil, err or errors.new("invalid", format.printable(path) .. " is the root of the node itself") end
  local ok, problem = check_named(args, path, list[1].kind)
  if not ok then return nil, problem end
  local entries, others = { err and { problem = err, size = 0 } }, 0
  for i, each in ipairs(list) do
    if KEPT[each.kind] or i == 1 then
      each.named, each.key = i == 1, key_of(args, each)
      if EMPTY[each.kind] then each.size = 0 end
      if each.key then entries[#entries + 1] = each end
    else
      others = others + 1
    end
  end
  return entries, others
end

---The entries of all paths, and their bytes.
local function all_entries(args)
  local entries, total, passed_over = {}, 0, 0
  for _, path in ipairs(args.path) do
    local list, others = entries_of(args, path)
    if not list then return nil, others end
    passed_over = passed_over + others
    for _, each in ipairs(list) do
      entries[#entries + 1] = each
      total = total + each.size
    end
  end
  if passed_over > 0 and not args.quiet then
    io.stderr:write(("filo put: passed over %s, such as a socket\n"):format(
      format.count(passed_over, "thing that is no file", "things that are no files")))
  end
  return entries, total
end

local function check(args)
  if args.key and (#args.path > 1 or args.recursive) then return errors.fail("usage", "--key is for one file") end
  for _, path in ipairs(args.path) do
    if path == "-" and not args.key then return errors.fail("usage", "standard input has no name: give it a --key") end
  end
  return true
end

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

local function describe(args, entry, receipt)
  if args.json then return json.encode(receipt, { "key", "size", "version" }) end
  local copies = format.count(#receipt.copies, "copy", "copies")
  local unchanged = receipt.unchanged and ", unchanged" or ""
  local what = EMPTY[entry.kind] or format.bytes(receipt.size)
  return ("%s  %s  %s%s"):format(format.printable(receipt.key), what, copies, unchanged)
end

---The file to be read, where there is one; and what the node is asked for. What it is beside its content is looked at first: where it
---changes later the next `filo put` finds that, and stores it again.
local function request(args, entry)
  local ask = { key = entry.key, name = entry.path, empty = EMPTY[entry.kind] ~= nil, force = args.force or not KEPT[entry.kind] }
  if args.plain then ask.encrypt = false end
  if KEPT[entry.kind] then
    local file, err = attributes.of_path(entry.path, entry.named)
    if not file then return nil, err end
    if file.kind ~= entry.kind then return errors.fail("io", format.printable(entry.path) .. " has just become something else") end
    ask.fields = { file = file }
  end
  if entry.path == STDIN then return ask, io.stdin end
  if ask.empty then return ask end
  local file, err = net.open(entry.path)
  if not file then return errors.fail("io", err.message) end
  return ask, file
end

---Stores one file over a connection of its own.
local function store(state, entry)
  if entry.problem then return nil, entry.problem end
  local args = state.args
  local client <close>, err = open.client(args)
  if not client then return nil, err end
  local ask, file = request(args, entry)
  if not ask then return nil, file end
  local receipt
  receipt, err = client:call("store", ask, function(event)
    state.under_way[entry] = bytes_done(entry, event.moving or {})
    show(state, entry)
  end, file)
  if file and file ~= io.stdin then file:close() end
  state.under_way[entry] = nil
  state.done = state.done + entry.size
  local changed = (receipt or err.receipt or {}).changed and CHANGED:format(format.printable(entry.path))
  if not receipt then return nil, changed and errors.wrap(err, changed) or err end
  state.unreached:note(receipt.unreached)
  state.progress:clear()
  if not args.quiet then io.write(describe(args, entry, receipt), "\n") end
  if changed then return errors.fail("io", changed) end
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
        results[mine].key = entries[mine].key
      end
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  state.progress:clear()
  return failures.each("put", results, function(result) return table.unpack(result, 1, result.n) end, state.args.json)
end

return {
  summary = "Store files: here, and as copies at peers, as the policy of the running node says.",

  describe = function(parser)
    root.option(parser)
    parser:argument("path", "Files; '-' is standard input."):args "+"
    parser:option("-k --key", "Key of a single file. Default: its path, as given."):argname "KEY"
    parser:flag("-r --recursive", "Folders, with the files, folders and symbolic links in them, but for the root of the node itself.")
    parser:flag("--plain", "Do not encrypt: for public data.")
    parser:flag("-f --force", "Store also what has not changed since it was stored, and has all its copies.")
    parser:flag("--json", "For programs: a receipt on each line.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
  end,

  run = function(args)
    local ok, err = check(args)
    if not ok then return nil, err end
    local probe <close>, problem = open.client(args)
    if not probe then return nil, problem end
    local entries, total = all_entries(args)
    if not entries then return nil, total end
    local progress <close> = new_progress(args.quiet or args.json)
    local unreached = new_unreached()
    local status = store_all({
      args = args, progress = progress, done = 0, total = total, under_way = {}, unreached = unreached,
    }, entries)
    return unreached:tell("put", "copies that the policy wants there are missing; put again once it is", status)
  end,
}
