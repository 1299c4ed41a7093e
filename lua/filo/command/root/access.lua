---Reaching what a root holds: its files, which are read beside a running node, or the node that runs on it.

local Client = require "filo.command.control.client"
local errors = require "filo.base.errors"
local filo = require "filo"
local log = require "filo.command.log"
local root = require "filo.command.root"

local access = {}

---What matters about a copy is said by whoever asks for it.
local function tell(level, message)
  if level == "error" then log.new({ level = level }):write(level, message) end
end

local function open(args, readonly)
  local path, err = root.path(args)
  if not path then return nil, err end
  local options
  options, err = root.load(path)
  if not options then return nil, err end
  options.readonly, options.listen, options.bootstrap, options.log = readonly, nil, nil, tell
  return filo.node(options)
end

---Opens the root for reading, beside the node that may run on it.
---@param args {root?: string}
---@return filo.Node?, filo.Error?
function access.reader(args) return open(args, true) end

---Opens the root when no node runs on it.
---@param args {root?: string}
---@return filo.Node?, filo.Error?
function access.owner(args) return open(args, false) end

---Connects to the node that runs on the root.
---@param args {root?: string}
---@return filo.control.Client?, filo.Error?
function access.client(args)
  local path, err = root.path(args)
  if not path then return nil, err end
  return Client.open(path)
end

---What is wrong with a file among the objects that `node:list` could make nothing of.
---@param path string
---@return filo.Error
function access.no_object(path)
  return errors.new("corrupt",
    ("%s is no sealed object any more: 'filo get' of its key sets it aside, and fetches a good copy where a peer has one"):format(path))
end

---Keys of the objects in a root, and an error for each file there that is none any more.
---@param node filo.Node
---@param prefix? string  of the keys
---@return string[] keys, filo.Error[] problems
function access.keys(node, prefix)
  local keys, problems = {}, {}
  local function note(path) problems[#problems + 1] = access.no_object(path) end
  for item in node:list(prefix, note) do keys[#keys + 1] = item.key end
  return keys, problems
end

return access
