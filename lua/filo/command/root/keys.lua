---The keys of what lies in a root, and what is told of files there that are no objects any more.
---
---What names several: "photos" is the object of that name and all below "photos/", but not "photos2"; "photos/" what is below only; with a
---star behind it, "pho*", it is all that starts so.

local catalogue_progress = require "filo.command.catalogue_progress"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local open = require "filo.command.root.open"

local keys = {}

---What is wrong with a file among the objects that `node:list` could make nothing of.
---@param path string
---@return filo.Error
function keys.unreadable(path)
  local sentence = "%s is no sealed object any more: 'filo get' of its key sets it aside, and fetches a good copy where a peer has one"
  return errors.new("corrupt", sentence:format(path), { path = path })
end

---What a name stands for: a key, if there may be one object of just that name, and how others start.
---@return string? key, string prefix
local function meaning(name)
  if name == "" or name:find "/$" then return nil, name end
  if name:find "%*$" then return nil, name:sub(1, -2) end
  return name, name .. "/"
end

---Whether a key is among what a name stands for.
---@return boolean
function keys.means(name, key)
  local alone, prefix = meaning(name)
  return key == alone or key:sub(1, #prefix) == prefix
end

---The first item of some, if it has that key.
local function first(items, key)
  local item = items()
  return item and item.key == key and item or nil
end

---Those of some that are here.
local function those_here(items)
  return function()
    local item
    repeat item = items() until not item or item.here
    return item
  end
end

---Goes over the objects in a root that a name stands for, in the order of their keys.
---@param node filo.Node|filo.Namespace
---@param name string
---@param on_corrupt? fun(path: string)
---@param with_fields? boolean  as `node:list` gives them, not `node:keys`
---@return fun(): filo.KeyItem?
function keys.each(node, name, on_corrupt, with_fields)
  local key, prefix = meaning(name)
  local method = with_fields and node.list or node.keys
  local alone = key and first(method(node, key), key)
  local others = method(node, prefix, on_corrupt)
  return function()
    local item = alone
    alone = nil
    return item or others()
  end
end

---Each of a list, in its order, without what was there before.
local function once(list)
  local seen, left = {}, {}
  for _, key in ipairs(list) do
    if not seen[key] then left[#left + 1] = key end
    seen[key] = true
  end
  return left
end

---The keys that a command line names. With -r, each stands for several, in their order; behind them are errors of what may have been one of
---these, and is no object any more, and of what there is none for.
---@param node filo.Node|filo.Namespace
---@param args {key: string[], recursive?: boolean, here?: boolean}  here: of several, only those that are here
---@return (string|filo.Error)[]
function keys.named(node, args)
  if not args.recursive then return once(args.key) end
  local all, seen, problems, unknown = {}, {}, {}, {}
  for _, name in ipairs(args.key) do
    local found = false
    problems = {}
    local items = keys.each(node, name, function(path) problems[#problems + 1] = keys.unreadable(path) end)
    for item in args.here and those_here(items) or items do
      found = true
      if not seen[item.key] then all[#all + 1] = item.key end
      seen[item.key] = true
    end
    if not found and not problems[1] then
      unknown[#unknown + 1] = errors.new("not_found", ("nothing here is named '%s'"):format(format.printable(name)), { key = name })
    end
  end
  table.sort(all)
  table.move(problems, 1, #problems, #all + 1, all)
  return table.move(unknown, 1, #unknown, #all + 1, all)
end

---As `named`, of a root that is opened for that where it has to be.
---@param args {root?: string, of?: string, key: string[], recursive?: boolean, here?: boolean}
---@param command string  its name
---@return (string|filo.Error)[]?, filo.Error?
function keys.of(args, command)
  if not args.recursive then return once(args.key) end
  local node <close>, objects = open.reader_of(args)
  if not node then return nil, objects end
  local _ <close> = catalogue_progress(node, command)
  return keys.named(objects, args)
end

return keys
