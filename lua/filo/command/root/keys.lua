---The keys of what lies in a root, and what is told of files there that are no objects any more.

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

---Keys of the objects in a root, and an error for each file there that is none any more.
---@param node filo.Node
---@param prefix? string  of the keys
---@return string[] keys, filo.Error[] problems
function keys.list(node, prefix)
  local list, problems = {}, {}
  local function note(path) problems[#problems + 1] = keys.unreadable(path) end
  for item in node:list(prefix, note) do list[#list + 1] = item.key end
  return list, problems
end

---The keys that a command line names. With -r, each stands for all that start with it, in their order; behind them are errors of what may
---have been one of these, and is no object any more, and of what no key starts with.
---@param node filo.Node
---@param args {key: string[], recursive?: boolean}
---@return (string|filo.Error)[]
function keys.named(node, args)
  if not args.recursive then return args.key end
  local all, seen, problems, unknown = {}, {}, nil, {}
  for _, prefix in ipairs(args.key) do
    local found
    found, problems = keys.list(node, prefix)
    if not found[1] and not problems[1] then
      unknown[#unknown + 1] = errors.new("not_found", ("no key here starts with '%s'"):format(format.printable(prefix)), { key = prefix })
    end
    for _, key in ipairs(found) do
      if not seen[key] then all[#all + 1] = key end
      seen[key] = true
    end
  end
  table.sort(all)
  table.move(problems, 1, #problems, #all + 1, all)
  return table.move(unknown, 1, #unknown, #all + 1, all)
end

---As `named`, of a root that is opened for that where it has to be.
---@param args {root?: string, key: string[], recursive?: boolean}
---@return (string|filo.Error)[]?, filo.Error?
function keys.of(args)
  if not args.recursive then return args.key end
  local node <close>, err = open.reader(args)
  if not node then return nil, err end
  return keys.named(node, args)
end

return keys
