---The file `node.lua` in a root: a Lua script that returns the node's options. What it says, checked; and its text in a new root.

local cluster_secret = require "filo.command.cluster_secret"
local core_files = require "filo.core.files"
local errors = require "filo.base.errors"
local host = require "filo.host.real"
local log = require "filo.command.log"
local net = require "filo.core.net"
local root = require "filo.command.root"
local served = require "filo.command.root.served"
local setup = require "filo.node.setup"
local store = require "filo.core.store"

local node_lua = {}

-- Reading ----------------------------------------------------------------------------------------------------------------

---Whether it may be run: it is there, and nobody else decides what it does.
---@return true?, filo.Error?
local function check(path, file)
  if not root.exists(file) then
    return nil, store.look(path) == "made" and root.without_options(path) or root.missing(path)
  end
  local ok, err = core_files.trust(file)
  if not ok then return nil, errors.wrap(err, file .. " is not run: somebody else decides what it does") end
  return true
end

---A sign, or a word of Lua's that cannot be a name.
local function is_of_lua(token) return token:find "^%p%p?%p?$" or token:find "^%l+$" and not load("local " .. token) end

---A message of the parser's, which quotes what it stumbles at, without that: it may be a part of a secret.
local function without_quote(problem)
  local quoted = problem:match " near '(.*)'$"
  if not quoted or is_of_lua(quoted) then return problem end
  return (problem:gsub(" near '.*$", ""))
end

---Entries of package.path or package.cpath that name no folder by where the process was started.
local function absolute(entries)
  local list = {}
  for entry in entries:gmatch "[^;]+" do
    if entry:find "^/" then list[#list + 1] = entry end
  end
  return table.concat(list, ";")
end

---As they were before any node.lua was run.
local installed = { path = absolute(package.path), cpath = absolute(package.cpath) }

---From now on `require` looks into the root, whose folder was checked, and where packages are installed: anybody may have written what
---lies in the working folder.
local function search_modules_in(path)
  local beside = path:find "[;?]" and "" or ("%s/?.lua;%s/?/init.lua;"):format(path, path) -- these mean something else there
  package.path, package.cpath = beside .. installed.path, installed.cpath
end

---The table that it returns.
local function run(path)
  local file = root.options_file(path)
  local trusted, err = check(path, file)
  if not trusted then return nil, err end
  search_modules_in(path)
  local chunk, problem = loadfile(file)
  if not chunk then return errors.fail("invalid", without_quote(problem)) end
  local ok, options = errors.try(chunk, path)
  if not ok then
    local where = type(options) == "string" and "" or file .. ": it raised "
    return errors.fail("invalid", where .. errors.text(options))
  end
  if type(options) ~= "table" then
    return errors.fail("invalid", ("%s: it must return a table of options, not a %s"):format(file, type(options)))
  end
  if getmetatable(options) ~= nil then
    return errors.fail("invalid", ("%s: it must return a plain table, without a metatable"):format(file))
  end
  return options
end

---@class filo.ServiceOptions  what node.lua says that is for `filo serve` and not for the node
---@field log_level "error"|"warning"|"info"
---@field start? fun(node: filo.Node)
---@field http? {address: string, tls?: {certificate: string, key: string}, objects?: boolean}  where it serves HTTP, and whether objects
---@field s3? filo.s3.Options  where it serves S3
---@field ignored string[]  a sentence on each option that `filo serve` decides itself

local function is_level(value)
  for _, known in ipairs(log.LEVELS) do
    if value == known then return true end
  end
  return false
end

---@return string[]
local function ignored(file, options)
  local list = {}
  if options.log ~= nil then list[#list + 1] = file .. ": the option 'log' is not used: the log goes to stderr, as log_level says" end
  if options.root ~= nil then list[#list + 1] = file .. ": the option 'root' is not used: the root is the folder that the file is in" end
  return list
end

---Takes out what is for the service.
---@return filo.ServiceOptions?, filo.Error?
local function take_service_options(file, options)
  local taken = { log_level = options.log_level or "info", start = options.start, ignored = ignored(file, options) }
  for _, name in ipairs { "http", "s3" } do
    local err
    taken[name], err = served.of(name, options[name])
    if err then return errors.fail("invalid", ("%s: %s"):format(file, errors.text(err))) end
  end
  options.log_level, options.start, options.log, options.http, options.s3 = nil, nil, nil, nil, nil
  if not is_level(taken.log_level) then
    return errors.fail("invalid", ("%s: log_level must be one of: %s"):format(file, table.concat(log.LEVELS, ", ")))
  end
  if taken.start ~= nil and type(taken.start) ~= "function" then
    return errors.fail("invalid", ("%s: start must be a function, which is given the node"):format(file))
  end
  return taken
end

---The options for `filo.node` that it gives, checked, and those for the service.
---@param path string
---@return table?, filo.ServiceOptions|filo.Error
function node_lua.read(path)
  local given, err = run(path)
  if not given then return nil, err end
  local options = {}
  for name, value in pairs(given) do options[name] = value end
  local service
  service, err = take_service_options(root.options_file(path), options)
  if not service then return nil, err end
  options.root = path
  if not options.cluster and root.exists(root.secret_file(path)) then
    options.cluster, err = cluster_secret.read(root.secret_file(path))
    if err then return nil, err end
  end
  local ok, problem = pcall(setup.check_node_options, host, options, 2)
  if ok and options.listen then ok, problem = net.address(options.listen) end
  if ok then return options, service end
  return errors.fail("invalid", ("%s: %s"):format(root.options_file(path), errors.text(problem):gsub("^filo%.node: ", "")))
end

-- Making -----------------------------------------------------------------------------------------------------------------

local TEXT = [=[
-- The options of this node: a Lua script that returns them in a table. Its folder is the node's root, and the cluster secret is in the
-- file `cluster` there, so neither is named here. `filo help options` lists all that may be.
--
-- A running node reads this file again on SIGHUP (systemctl reload filo); when there is an error in it, the node goes on as it is.

local filo = require "filo"

return {
  -- Where this node listens. "0.0.0.0:7171" is every address of the machine.
  listen = %s,

  -- What members are told of this node: its name, and what policies place by, as zone = "cellar", tags = { "ssd" }, capacity = 2000 << 30.
  about = {%s},

  -- Nodes to stay connected to: "192.168.1.10:7171", or with the ID that must be found there, { address = ..., id = ... }. One of them is
  -- enough: members learn of each other.
  bootstrap = {%s},

  -- Namespaces whose owners decide who is a member (filo forget), besides those that are written here.
  operators = {%s},

  -- Who holds copies: filo.policy.everywhere, filo.policy.copies(3), filo.policy.zones { copies = 3, zones = 2 } ... (lua/README.md lists
  -- them), or functions of your own. Left out: what another machine that writes the same objects has said, or a copy everywhere.
  %spolicy = filo.policy.everywhere,

  -- What `filo serve` tells: "error", "warning" or "info".
  log_level = "info",

  -- Where it tells of itself over HTTP: a page, which `filo open` opens, /healthz, /readyz, and /metrics for Prometheus; with
  -- objects = true it serves these, too, at /o/.
  -- http = { address = "127.0.0.1:7180", objects = false },

  -- Where it serves S3, for rclone, restic, aws and what else speaks it: `filo http-key` makes keys.
  -- s3 = { address = "127.0.0.1:7181" },

  -- What is called with the node once it is there, and not again on SIGHUP: hooks and tasks of your own. When it fails before its first
  -- wait, the node does not start; later, that is told in the log, and the node goes on. Such as
  --   start = function(node) node:on("peer_up", print) end,
}
]=]

---A new one.
---@param settings {listen: string, name?: string, bootstrap?: filo.Invitation}
---@return string
function node_lua.text(settings)
  local peer, operators = settings.bootstrap, ""
  local about = settings.name and (" name = %q "):format(settings.name) or ""
  local first = peer and ("\n    { address = %q, id = %q },\n  "):format(peer.address, peer.id) or ""
  for _, id in ipairs(peer and peer.operators or {}) do operators = ("%s\n    %q,"):format(operators, id) end
  local left_out = peer and peer.capability and "-- " or "" -- another machine of his has said what is wanted
  return TEXT:format(("%q"):format(settings.listen), about, first, operators ~= "" and operators .. "\n  " or "", left_out)
end

return node_lua
