---`filo forget-reader`: changes the keys so that somebody reads nothing that comes, and gives the others new ones.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local files = require "filo.core.files"
local format = require "filo.base.format"
local given = require "filo.command.given"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local rotation = require "filo.command.rotation"

---By the running node, which then goes on with it; or in the root where none runs.
local function forget(args)
  local client <close>, err = open.client(args)
  if client then return client:call("forget_reader", { of = args.of, reader = args.reader }) end
  if err.code ~= "not_running" then return nil, err end
  local node <close>, objects = open.owner_of(args)
  if not node then return nil, objects end
  return objects:forget_reader(args.reader)
end

---The lines for each reader who remains, in the order of their names.
local function lines_of(readers)
  local list, by_name = {}, {}
  for _, each in ipairs(readers) do
    if each.capability then
      if not by_name[each.reader] then
        by_name[each.reader] = { reader = each.reader, lines = {} }
        list[#list + 1] = by_name[each.reader]
      end
      table.insert(by_name[each.reader].lines, each.capability)
    end
  end
  return list
end

---Writes a file for each reader.
local function write_files(folder, list)
  local above, name = folder:match "^(.*/)([^/]+)/*$"
  local ok, err = files.make_folders(above or ".", name or folder, 448) -- 0700
  if not ok then return nil, err end
  for _, each in ipairs(list) do
    local path = ("%s/%s"):format(folder, each.reader)
    ok, err = crypto.write_private(path, table.concat(each.lines, "\n") .. "\n")
    if not ok then return nil, err end
    io.write(("for %s: %s, for 'filo accept %s' there\n"):format(each.reader, format.printable(path), format.printable(path)))
  end
  return true
end

local function print_lines(list)
  for _, each in ipairs(list) do
    io.write(("for %s, to be given to 'filo accept -' there:\n"):format(each.reader), table.concat(each.lines, "\n"), "\n")
  end
end

---Nothing is begun that could not be told.
local function check_files(args)
  if not args.directory then return true end
  local there = files.list(args.directory)
  if there and there[1] then
    return errors.fail("usage", ("%s is there already, and not empty: name another folder"):format(format.printable(args.directory)))
  end
  return true
end

return {
  summary = "Change the keys, so that one reader reads nothing that comes, and print new ones for the others.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("reader", "Who is to read no longer, as 'filo readers' lists him.")
    parser:option("-d --directory", "Write a file for each of the others into a new folder, of mode 0600 and named after him, instead of "
      .. "printing it."):argname "DIR"
    parser:flag("--json", "For programs: what one reader is to be given on each line.")
    parser:epilog("As 'filo rotate', whose help tells what he keeps. Each of the others reads what is stored from now on only once he has "
      .. "given his new lines, which are secrets, to 'filo accept'. Who was given --write cannot be shut out.")
  end,

  run = function(args)
    local ok, err = check_files(args)
    if not ok then return nil, err end
    local done
    done, err = forget(args)
    if not done then return nil, err end
    local list = lines_of(done.readers)
    if args.json then
      for _, each in ipairs(done.readers) do io.write(json.encode(each, { "reader", "access", "key", "capability" }), "\n") end
    end
    if args.directory then ok, err = write_files(args.directory, list) elseif not args.json then print_lines(list) end
    if not ok then return nil, errors.wrap(err, "the keys are changed, but not all new ones written: 'filo share --for' prints them") end
    if args.json then return end
    for _, each in ipairs(done.readers) do
      if not each.capability then io.write(("%s has %s, and needs no new ones\n"):format(each.reader, given(each))) end
    end
    io.write(rotation.text(done.rotation), "\n", rotation.KEPT, "\n")
  end,
}
