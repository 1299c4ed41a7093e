---`filo get`: writes objects to files.

local attributes = require "filo.command.attributes"
local catalogue_progress = require "filo.command.catalogue_progress"
local core_files = require "filo.core.files"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local in_order = require "filo.command.in_order"
local json = require "filo.base.json"
local new_folders = require "filo.command.restored_folders"
local new_locks = require "filo.host.lock"
local new_progress = require "filo.command.progress"
local open = require "filo.command.root.open"
local present = require "filo.command.present"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"
local runtime = require "filo.core.runtime"
local superseded = require "filo.command.superseded"

---Has the running node fetch the newest version of an object, where that is not here; or to a file, where it has no room for it.
local function fetch(state, key, file)
  local version = state.args.version
  return state.clients:call("fetch", { key = key, newest = not version or nil, version = version, of = state.args.of }, function(event)
    for _, each in ipairs(event.moving or {}) do
      if each.what == "fetch" then state.progress:show(format.printable(key), each.bytes, each.size) end
    end
  end, file)
end

---@param ids string[]
local function names_of(ids)
  local names = {}
  for i, id in ipairs(ids) do names[i] = "node " .. id:sub(1, 16) end
  return format.several(names, ", ")
end

---What keeps a copy here from being known to be the newest is told, and it is given. Once a command where no node runs.
local function tell_doubt(state, key, fetched, err)
  local text = fetched and fetched.unheard[1] and ("%s: %s had not answered, and may have something newer"):format(
    format.printable(key), names_of(fetched.unheard))
  if err and (err.code ~= "not_running" or not state.told) then
    text = err.code == "not_running" and "peers were not asked for newer versions: " .. err.message
      or ("%s: what is here may be old: %s"):format(format.printable(key), err.message)
    state.told = err.code == "not_running"
  end
  if text and not state.args.quiet then failures.tell("get", text) end
end

---Opens an object, after it was fetched where that is needed.
---@return filo.Object?, filo.Error?
---@return boolean? no_room  it is at peers, and does not come to lie here: the root has no room for it, or it is an old version
local function open_object(state, key)
  if state.args.version then
    local object, err = state.node:get(key, { version = state.args.version })
    return object, err, not object and err.code == "not_found"
  end
  local fetched, problem = fetch(state, key)
  if problem and problem.code == "not_found" then return nil, problem end
  local object, err = state.node:get(key)
  if object then tell_doubt(state, key, fetched, problem) end
  if object or not problem or err.code ~= "not_found" then return object, err end
  if problem.code == "no_space" then return nil, problem, true end
  return nil, errors.wrap(problem, tostring(err))
end

---Where an object goes: a folder, and a path below it that leads nowhere else, whatever its key.
---@return string? folder, string|filo.Error below
local function target(args, key)
  if args.output then return args.output, "" end
  local path = key:gsub("^/+", ""):gsub("/$", "")
  for part in (path .. "/"):gmatch "([^/]*)/" do
    if part == "" or part == "." or part == ".." or part:find "\0" then
      return errors.fail("usage", ("'%s' is no name for a file: name one with --output"):format(format.printable(key)))
    end
  end
  return args.directory, path
end

---Whether what is there may be replaced.
local function check_replaceable(args, path, there)
  local shown = format.printable(path)
  if there.kind == "d" then
    return errors.fail("exists", shown .. (args.output and " is a folder: name a file with --output, or use --directory"
      or " is a folder, and a file belongs there: move it away, or use another --directory"))
  end
  if not args.force then return errors.fail("exists", shown .. " is there already: -f replaces it") end
  return true
end

local STDOUT = "/dev/stdout"

---Of a file that does not have its own mode yet, in the numbers of chmod(2).
local PRIVATE = tonumber("600", 8)

---Whether a path is that of a regular file, or of none yet.
local function is_file(path)
  if path == STDOUT then return false end
  local there = core_files.look(path, true)
  return not there or there.kind == "f"
end

---Has the node write what its root has no room for to the file itself.
local function write_there(state, key, path)
  local draft <close>, err = core_files.target(path)
  if not draft then return nil, err end
  local file <close>, problem = draft:file()
  if not file then return nil, problem end
  local item
  item, err = fetch(state, key, file)
  state.progress:clear()
  if not item then return nil, err end
  tell_doubt(state, key, item)
  local ok
  ok, err = draft:finish(attributes.kept(item).mode and PRIVATE)
  return ok and item, err
end

---Makes the symbolic link that an object is.
local function write_link(state, object, path, place)
  if path == STDOUT then
    return errors.fail("invalid", ("'%s' is a symbolic link: it has no content"):format(format.printable(object.key)))
  end
  local kept = attributes.kept(object)
  local folder, below = place.folder, place.below
  if below == "" then
    folder, below = path:match "^(.*/)([^/]+)$"
    if not folder then folder, below = ".", path end
  end
  return core_files.make_link(folder, below, kept.target, state.args.force, kept.modified or os.time(), kept.nanoseconds,
    state.args.owners and kept.owner, kept.group)
end

---What all names have in common of one file that was the very same, unchanged, when each was stored; nil where nothing is made of that.
local function twin_key(state, item)
  local links = state.args.hard_links and not state.args.output and attributes.kept(item).links
  return links and item.stamp and links .. " " .. item.stamp
end

---The first of such names that is written is noted: the others become links to it.
local function note_twin(state, item, below)
  local which = twin_key(state, item)
  if which then state.twins[which] = state.twins[which] or below end
end

local function find_twin(state, item, below)
  local which = twin_key(state, item)
  local twin = which and state.twins[which]
  return twin ~= below and twin or nil -- it may be asked for twice
end

---No content is written through a symbolic link below the folder.
local function check_no_link(args, path)
  local there = not args.output and core_files.look(path)
  if not there or there.kind ~= "l" then return true end
  return errors.fail("denied",
    ("%s is a symbolic link, and none is followed in %s: remove it, or choose another --directory"):format(
      format.printable(path), format.printable(args.directory)))
end

---Writes an object to its place once.
local function write(state, key, path, place)
  local object <close>, err, no_room = open_object(state, key)
  if not object and not no_room then return nil, err end
  local ok
  local kind = object and attributes.kept(object).kind
  if kind == "d" then return errors.fail("invalid", ("'%s' is a folder: it has no content"):format(format.printable(object.key))) end
  if kind == "l" then
    ok, err = write_link(state, object, path, place)
    return ok and object, err
  end
  local problem
  ok, problem = check_no_link(state.args, path)
  if not ok then return nil, problem end
  if no_room and state.args.version and not is_file(path) then return nil, errors.wrap(err, "of what lies at peers, name a file") end
  if no_room and is_file(path) then return write_there(state, key, path) end
  if state.args.hard_links then place.wait_for_others() end -- the first that is written is the one that the others are links to
  local twin = object and find_twin(state, object, place.below)
  if twin then
    ok, err = core_files.link(place.folder, place.below, twin, state.args.force)
    return ok and object, err
  end
  if not object then return nil, err end
  local kept = attributes.kept(object)
  ok, err = object:save(path, { sparse = kept.sparse, mode = kept.mode and PRIVATE })
  state.progress:clear()
  if not ok then return nil, err end
  return object
end

---Calls fn, which reads an object; once more where the copy here has rotted: it is set aside by the running node, which then fetches a
---good one.
local function with_good(state, key, fn)
  local result, err = fn()
  if result ~= nil or err.code ~= "corrupt" then return result, err end
  local _, problem = state.clients:call("verify", { key = key, of = state.args.of })
  if problem and problem.code == "not_running" then return nil, err end
  return fn()
end

---Writes an object to its place, and gives what it is.
local function write_good(state, key, path, place)
  local function write_it() return write(state, key, path, place) end
  if path == STDOUT then return write_it() end
  return with_good(state, key, write_it)
end

---Whether a file has the content of an object, which is fetched for that where it has to be.
---@return boolean?, filo.Error?
local function has_content(state, key, path)
  return with_good(state, key, function()
    local object <close>, err = open_object(state, key)
    if not object then return nil, err end
    return present.has_content(object, path)
  end)
end

---What is known of an object. That peers have listed it says too little: the running node asks them.
local function stat(state, key)
  local item = state.node:stat(key)
  if item and item.from == "here" then return item end
  local client <close> = open.client(state.args)
  item = client and client:call("stat", { key = key, of = state.args.of })
  return item and item.from ~= "listed" and item or nil
end

---Whether what is there is the object already, so that a second run goes on where the first one ended; and if not, whether it may be
---replaced.
---@return filo.Item?  it is the object
---@return filo.Error? err  it stays, and why
local function keep(state, key, path, there)
  local args = state.args
  local item = (args.checksum or args.recursive and not args.force) and stat(state, key)
  if item and present.looks_same(item, there) then
    if not args.checksum or there.kind == "l" then return item end
    local same, err = has_content(state, key, path)
    state.progress:clear()
    if same then return item end
    if not args.force then
      return nil, err or errors.new("exists", format.printable(path) .. " has not the content that is stored: -f replaces it")
    end
  end
  local _, problem = check_replaceable(args, path, there)
  return nil, problem
end

local NO_CONTENT = { d = "folder", l = "symbolic link" }

local function describe(args, object, path)
  if args.json then return json.encode({ key = object.key, path = path, size = object.size }, { "key" }) end
  return ("%s  %s"):format(format.printable(path), NO_CONTENT[attributes.kept(object).kind] or format.bytes(object.size))
end

---Makes a folder, and gives what is told of it. It gets its mode and time in the end, when all that is to be in it is there.
local function save_folder(state, key, place)
  local object <close>, err = open_object(state, key)
  if not object then return nil, err end
  local kept = attributes.kept(object)
  if kept.kind ~= "d" then
    return errors.fail("usage", ("'%s' is no name for a file: name one with --output"):format(format.printable(object.key)))
  end
  local ok
  ok, err = state.folders:make(place.folder, place.below)
  if not ok then return nil, err end
  state.folders:note(place, kept, object.key)
  return describe(state.args, object, place.folder .. "/" .. place.below .. "/")
end

local function path_of(args, place)
  if args.output == "-" then return STDOUT end
  return args.output or place.folder .. "/" .. place.below
end

---Gives true, or what is told of what was saved.
---@return string|true|nil, filo.Error?
local function save(state, key, wait_for_others)
  if errors.is(key) then return nil, key end
  local args = state.args
  local folder, below = target(args, key)
  if not folder then return nil, below end
  local place = { folder = folder, below = below, wait_for_others = wait_for_others }
  if key:find "/$" and not args.output then return save_folder(state, key, place) end
  local path = path_of(args, place)
  local _ <close> = state.paths:take(path) -- several keys may lead there
  local ok, err = true, nil
  if not args.output then ok, err = state.folders:make(folder, below:match "^(.*)/" or "") end
  if not ok then return nil, err end
  local there = path ~= STDOUT and core_files.look(path)
  if there then
    local item, problem = keep(state, key, path, there)
    if problem then return nil, problem end
    if item then
      note_twin(state, item, below)
      return true
    end
  end
  local object
  object, err = write_good(state, key, path, place)
  if not object then return nil, err end
  if path == STDOUT then return true end
  local kept = attributes.kept(object)
  if kept.kind ~= "l" and is_file(path) then
    ok, err = attributes.give(place, kept, args.owners)
    if not ok then return nil, err end
  end
  note_twin(state, object, below)
  return describe(args, object, path)
end

---What is to be done, with the places that are told of when something fails.
local function list_places(args, keys)
  local list = {}
  for i, key in ipairs(keys) do
    list[i] = key
    if not errors.is(key) then
      local folder, below = target(args, key)
      local path = folder and path_of(args, { folder = folder, below = below })
      list[i] = { key = key, path = path and not args.output and key:find "/$" and path .. "/" or path }
    end
  end
  return list
end

local function list_keys(node, objects, args)
  local _ <close> = catalogue_progress(node, "get")
  return root_keys.named(objects, args)
end

---@return string? problem
local function check(args)
  if args.json and args.output == "-" then return "--json and the object cannot both be on standard output" end
  if args.output and (#args.key > 1 or args.recursive) then return "--output is for one object: use --directory" end
  if args.version and (#args.key > 1 or args.recursive) then return "--version is for one object" end
  for _, key in ipairs(args.key) do
    if key == "" and not args.recursive then return "a key is empty: -r gets every object" end
  end
end

return {
  summary = "Write objects to files: those that are here, or fetched from peers by the running node.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "Their keys."):args "+":convert(tostring)
    parser:mutex(
      parser:option("-o --output", "Where a single object goes; '-' is standard output."):argname "FILE",
      parser:option("-d --directory", "Folder below which objects get the names of their keys. Default: this one."):argname "DIR"
    )
    parser:flag("-r --recursive", "What is below these names, too: 'photos' is not 'photos2'. All that starts so: 'pho*'.")
    parser:option("--version", "This old version, of those that 'filo versions' lists."):argname "V":convert(math.tointeger)
    parser:flag("--owners", "Set owners and groups that 'filo put --owners' kept, and bits that run a file as these. For root.")
    parser:flag("--hard-links", "Make one file of those that 'filo put --hard-links' found to be one.")
    parser:flag("-f --force", "Replace files that are there.")
    parser:flag("-c --checksum",
      "Compare the content of files that are there, too, not just size and time. With -f, replace those that differ.")
    parser:flag("--json", "For programs: an object on each line.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
  end,

  run = function(args)
    local problem = check(args)
    if problem then return errors.fail("usage", problem) end
    args.directory = args.directory or "."
    local node <close>, objects = open.reader_of(args)
    if not node then return nil, objects end
    local keys = list_keys(node, objects, args)
    if args.recursive then
      keys = superseded.leave_out(objects, keys, function(text) if not args.quiet then failures.tell("get", text) end end)
    end
    local progress <close> = new_progress(args.quiet or args.json)
    local folders <close> = new_folders(args, keys)
    local clients <close> = open.clients(args)
    local state = {
      node = objects, args = args, clients = clients, progress = progress, folders = folders, paths = new_locks(runtime), twins = {},
    }
    -- Nothing is written through a link that is made meanwhile.
    local most = superseded.any(keys) and 1 or nil
    local saved = in_order(keys, function(key, _, wait_for_others) return save(state, key, wait_for_others) end, most)
    local i = 0
    local status = failures.each("get", list_places(args, keys), function()
      i = i + 1
      local told, why_not = saved(i)
      progress:clear()
      if told and told ~= true and not args.quiet then io.write(told, "\n") end
      return told, why_not
    end, args.json)
    local finished = folders:finish()
    return status ~= exit.done and status or finished
  end,
}
