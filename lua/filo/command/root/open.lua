---Opens a root for a command: its files, which are read beside a running node, or the node that runs on it.

local Client = require "filo.command.control.client"
local filo = require "filo"
local log = require "filo.command.log"
local node_lua = require "filo.command.root.node_lua"
local root = require "filo.command.root"

local open = {}

---What matters about a copy is said by whoever asks for it.
local function tell(level, message)
  if level == "error" then log.new({ level = level }):write(level, message) end
end

local function open_node(args, readonly)
  local path, err = root.path(args)
  if not path then return nil, err end
  local options
  options, err = node_lua.read(path)
  if not options then return nil, err end
  options.readonly, options.listen, options.bootstrap, options.log = readonly, nil, nil, tell
  return filo.node(options)
end

---Opens the root for reading, beside the node that may run on it.
---@param args {root?: string}
---@return filo.Node?, filo.Error?
function open.reader(args) return open_node(args, true) end

---Opens the root when no node runs on it.
---@param args {root?: string}
---@return filo.Node?, filo.Error?
function open.owner(args) return open_node(args, false) end

---Connects to the node that runs on the root.
---@param args {root?: string}
---@return filo.control.Client?, filo.Error?
function open.client(args)
  local path, err = root.path(args)
  if not path then return nil, err end
  return Client.open(path)
end

return open
