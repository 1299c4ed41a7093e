---Makes a root, for `filo init` and `filo join`.
---
---In two steps, so that one that was begun and not finished can be made again: the node itself, then what serves it. Nothing that is
---there is replaced.

local cluster_secret = require "filo.command.cluster_secret"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local filo = require "filo"
local node_lua = require "filo.command.root.node_lua"
local root = require "filo.command.root"

local make = {}

---The node: folder, identity and marker, as the first start of a node makes them. An identity that is there is kept.
---@param path string
---@param capability? string  to the namespace that the node's calls are about, if that is not its own
---@return string? id, filo.Error?
function make.node(path, capability)
  if root.exists(root.options_file(path)) then
    return errors.fail("exists", ("there is a node in %s already: choose another folder with --root"):format(path))
  end
  local node <close>, err = filo.node { root = path, log = function() end }
  if not node then return nil, err end
  if capability then
    local namespace, problem = node:accept(capability, "main")
    if not namespace then return nil, problem end
  end
  return node.id
end

local function write_secret(path, given)
  local file = root.secret_file(path)
  if root.exists(file) then
    local present, err = cluster_secret.read(file)
    if not present then return nil, err end
    if not given or given == present then return true end
    return errors.fail("exists", ("%s holds the secret of another cluster: choose another folder with --root"):format(file))
  end
  return crypto.write_private(file, (given or crypto.hex(assert(crypto.random(32)))) .. "\n")
end

---The cluster secret, a new one when none is given, and node.lua.
---@param path string
---@param settings {listen: string, name?: string, secret?: string, bootstrap?: filo.Invitation}
---@return true?, filo.Error?
function make.settings(path, settings)
  local ok, err = write_secret(path, settings.secret)
  if not ok then return nil, err end
  return crypto.write_private(root.options_file(path), node_lua.text(settings))
end

return make
