---What a command line selects to be stored: the paths that it names, and what lies below them.

local errors = require "filo.base.errors"
local exclusion = require "filo.command.exclusion"
local files = require "filo.command.files"
local format = require "filo.base.format"
local root = require "filo.command.root"

local selection = {}

---@class filo.Selected
---@field path string  "standard input" where it is that
---@field kind string  as find(1) has it
---@field key string
---@field size integer  bytes to read, as far as is known
---@field named boolean  on the command line: a symbolic link is followed there
---@field is_stdin? boolean
---@field problem? filo.Error  why it cannot be stored; then there are path, size and, where it has a name of its own, key

---What may be stored when it is named.
local READABLE = { f = true, p = true, c = true }

---Why other things are not.
local NO_FILE = { d = "a folder: -r stores what is in it", l = "a symbolic link, and nothing is there", s = "a socket", p = "a pipe" }

---What is stored with what it is beside its content, also below a folder.
selection.KEPT = { f = true, d = true, l = true }

---What of that has no content.
selection.EMPTY = { d = "folder", l = "symbolic link" }

local function no_file(code, path, kind)
  return errors.new(code, ("%s is no file: it is %s"):format(format.printable(path), NO_FILE[kind] or "a device"))
end

local function check_named(args, path, kind)
  if READABLE[kind] or kind == "d" and args.recursive then return true end
  return nil, no_file(kind == "d" and "usage" or "invalid", path, kind)
end

---The key of something that was found; nil for a folder that has no name of its own, such as "." and "/".
local function key_of(args, entry)
  local key = args.key or files.plain(entry.path .. (entry.kind == "d" and "/" or ""))
  if key ~= "" and key ~= "/" then return key end
end

---Whether something that was found below a path is left out.
local function is_excluded(state, path, entry)
  local below = entry.path:sub(#path + 1):gsub("^/+", "")
  return state.excludes(below, entry.kind == "d")
end

local function add_problem(state, entry, problem)
  table.insert(state.entries, { problem = problem, path = entry.path, key = key_of(state.args, entry), size = 0 })
end

---Adds what a path stands for. What cannot be listed below it is a problem among the others.
---@return true?, filo.Error?
local function add(state, path)
  local args, entries = state.args, state.entries
  if path == "-" then
    entries[#entries + 1] = { path = "standard input", kind = "p", size = 0, key = args.key, named = true, is_stdin = true }
    return true
  end
  local list, err = files.list(path, args.recursive, state.own)
  if not list then return nil, err or errors.new("invalid", format.printable(path) .. " is the root of the node itself") end
  local ok, problem = check_named(args, path, list[1].kind)
  if not ok then return nil, problem end
  for i, each in ipairs(list) do
    each.named = i == 1
    local wanted = each.named or not is_excluded(state, path, each)
    if wanted and each.problem then
      add_problem(state, each, each.problem)
    elseif wanted and not each.named and not selection.KEPT[each.kind] then
      add_problem(state, each, no_file("invalid", each.path, each.kind))
    elseif wanted then
      each.key = key_of(args, each)
      if selection.EMPTY[each.kind] then each.size = 0 end
      if each.key then entries[#entries + 1] = each end
    end
  end
  return true
end

---The paths that a file has, one a line, or one before each NUL.
---@return string[]?, filo.Error?
local function read_list(path, by_nul)
  local file, err = io.stdin, nil
  if path ~= "-" then file, err = files.open(path) end
  if not file then return nil, err end
  local text, _, number = file:read "a"
  if path ~= "-" then file:close() end
  if not text then return errors.of_system(number, "cannot read " .. format.printable(path)) end
  local list = {}
  for each in text:gmatch(by_nul and "[^\0]+" or "[^\n]+") do list[#list + 1] = each end
  return list
end

---@return string? problem
local function find_problem(args)
  if args.key and (#args.path ~= 1 or args.recursive or args.files_from) then return "--key is for one file" end
  if not args.path[1] and not args.files_from then return "name a file, or give a list of them with --files-from" end
  if args.null and not args.files_from then return "-0 says how --files-from separates names: there is none" end
  if args.exclude[1] and not args.recursive then return "--exclude is for -r: what is named is stored" end
  for _, path in ipairs(args.path) do
    if path == "-" and not args.key then return "standard input has no name: give it a --key" end
  end
end

---What cannot be stored of all that was named is a problem among the others.
---@param args table  path, files_from, null, exclude, recursive, key
---@return filo.Selected[]?, filo.Error?
function selection.of(args)
  local problem = find_problem(args)
  if problem then return nil, errors.new("usage", problem) end
  local list, err = {}, nil
  if args.files_from then list, err = read_list(args.files_from, args.null) end
  if not list then return nil, err end
  local state = { args = args, own = assert(root.path(args)), excludes = exclusion.new(args.exclude), entries = {} }
  local function take(path)
    local ok, why_not = add(state, path)
    if not ok then add_problem(state, { path = path }, why_not) end
  end
  for _, path in ipairs(args.path) do take(path) end
  for _, path in ipairs(list) do take(path == "-" and "./-" or path) end
  return state.entries
end

return selection
