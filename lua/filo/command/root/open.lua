---Opens a root for a command: its files, which are read beside a running node, or the node that runs on it.

local Client = require "filo.command.control.client"
local new_clients = require "filo.command.control.clients"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local path_layout = require "filo.copies.path_layout"
local log = require "filo.command.log"
local node_lua = require "filo.command.root.node_lua"
local root = require "filo.command.root"
local store = require "filo.core.store"

local open = {}

---What matters about a copy is said by whoever asks for it.
local function tell(level, message)
  if level == "error" then log.new({ level = level }):write(level, message) end
end

---Whether the owner's identity lies in its root.
---@return boolean?, filo.Error?
local function has_identity(path, owner)
  local identity <close>, err = crypto.identity_load(path .. "/identity")
  if identity then return identity:id() == owner end
  if err.code == "not_found" then return false end
  return nil, err
end

---The options that find the objects of a root. The root itself tells them: a command runs no script for that, least of all somebody
---else's. Only a root with an option that is a function, or with its identity elsewhere, has to be asked by its node.lua.
---@return table?, filo.Error?
local function options_of(path)
  local owner, text = store.marker(path)
  if not owner and text.code == "not_found" then return nil, root.missing(path) end
  if not owner then return nil, text end
  local complete, err = has_identity(path, owner)
  if err then return nil, err end
  local transform = path_layout.recorded(text)
  if complete and transform then return { root = path, path = transform } end
  local given
  given, err = node_lua.read(path)
  return given and { root = path, identity = given.identity, path = given.path, hash_key = given.hash_key }, err
end

local function open_node(args, readonly)
  local path, err = root.path(args)
  if not path then return nil, err end
  local options
  options, err = options_of(path)
  if not options then return nil, err end
  options.readonly, options.log = readonly, tell
  return filo.node(options)
end

---Opens the root for reading, beside the node that may run on it.
---@param args {root?: string}
---@return filo.Node?, filo.Error?
function open.reader(args) return open_node(args, true) end

---The identity of the node.
---@param args {root?: string}
---@return filo.Identity?, filo.Error?
---@return string? file  where it lies
function open.identity(args)
  local path, err = root.path(args)
  if not path then return nil, err end
  local options
  options, err = options_of(path)
  if not options then return nil, err end
  local file = options.identity or path .. "/identity"
  local identity, problem = crypto.identity_load(file)
  return identity, problem, file
end

---A node and, of what the option --of says, its objects.
local function with_objects(node, err, name)
  if not node or not name then return node, err or node end
  local objects, problem = node:namespace(name)
  if objects then return node, objects end
  node:close()
  return nil, problem
end

---The same, and the objects that are meant by the option --of: those of a namespace, else the node's own.
---@param args {root?: string, of?: string}
---@return filo.Node?, filo.Node|filo.Namespace|filo.Error
function open.reader_of(args)
  local node, err = open.reader(args)
  return with_objects(node, err, args.of)
end

---Opens the root when no node runs on it.
---@param args {root?: string}
---@return filo.Node?, filo.Error?
function open.owner(args) return open_node(args, false) end

---The same, and the objects that are meant by the option --of.
---@param args {root?: string, of?: string}
---@return filo.Node?, filo.Node|filo.Namespace|filo.Error
function open.owner_of(args)
  local node, err = open.owner(args)
  return with_objects(node, err, args.of)
end

---For calls of the node that runs on the root, several at once. That none runs is told by the calls.
---@param args {root?: string}
---@return filo.control.Clients?, filo.Error?
function open.clients(args)
  local path, err = root.path(args)
  if not path then return nil, err end
  return new_clients(path)
end

---Connects to the node that runs on the root.
---@param args {root?: string}
---@return filo.control.Client?, filo.Error?
function open.client(args)
  local path, err = root.path(args)
  if not path then return nil, err end
  return Client.open(path)
end

return open
