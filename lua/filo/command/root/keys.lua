---The keys of what lies in a root, and what is told of files there that are no objects any more.

local errors = require "filo.base.errors"

local keys = {}

---What is wrong with a file among the objects that `node:list` could make nothing of.
---@param path string
---@return filo.Error
function keys.unreadable(path)
  return errors.new("corrupt",
    ("%s is no sealed object any more: 'filo get' of its key sets it aside, and fetches a good copy where a peer has one"):format(path))
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

return keys
