---The root of the commands: the folder with a node's identity, its objects, the cluster secret (`cluster`) and its options (`node.lua`).

local errors = require "filo.base.errors"
local host = require "filo.host.real"
local log = require "filo.command.log"
local secret = require "filo.command.secret"
local setup = require "filo.node.setup"

local root = {}

---Adds `--root` to a command.
function root.option(parser)
  parser:option("--root", "Folder of the node. Default: $FILO_ROOT, else filo in $XDG_DATA_HOME or ~/.local/share."):argname "DIR"
end

---The text, when it is "host:port"; for argparse.
---@param text string
---@return string?, string? problem
function root.check_address(text)
  local valid, err = host.net.address(text)
  if valid then return text end
  return nil, tostring(err)
end

---Adds `--listen` to a command that makes a root.
function root.listen_option(parser)
  parser:option("--listen", "Where the node will listen.", "0.0.0.0:7171"):argname("HOST:PORT"):convert(root.check_address)
end

---A folder from the environment; XDG wants what is not absolute to be passed over.
local function data_home()
  local path = os.getenv "XDG_DATA_HOME"
  if path and path:sub(1, 1) == "/" then return path end
  local home = os.getenv "HOME"
  return home and home ~= "" and home .. "/.local/share"
end

---Where the root is.
---@param args {root?: string}
---@return string?, filo.Error?
function root.path(args)
  if args.root == "" then return errors.fail("usage", "--root is empty: name a folder") end
  local path = args.root or os.getenv "FILO_ROOT"
  if path and path ~= "" then return path end
  local folder = data_home()
  if folder then return folder .. "/filo" end
  return errors.fail("usage", "no root: give --root DIR, or set FILO_ROOT or HOME")
end

---@return string
function root.options_file(path) return path .. "/node.lua" end

---@return string
function root.secret_file(path) return path .. "/cluster" end

---Whether there is a file that can be opened, or one that cannot.
---@param path string
---@return boolean
function root.exists(path)
  local file <close>, _, code = io.open(path)
  return file ~= nil or code ~= 2 and code ~= 20 -- ENOENT, ENOTDIR
end

---The table that node.lua returns.
local function run_options(path)
  local file = root.options_file(path)
  if not root.exists(file) then
    return errors.fail("invalid", ("there is no node in %s: make one with 'filo init', or with 'filo join' and a token"):format(path))
  end
  local chunk, problem = loadfile(file)
  if not chunk then return errors.fail("invalid", problem) end
  local ok, options = errors.try(chunk, path)
  if not ok then return errors.fail("invalid", errors.text(options)) end
  if type(options) ~= "table" then
    return errors.fail("invalid", ("%s: it must return a table of options, not a %s"):format(file, type(options)))
  end
  return options
end

---@class filo.ServiceOptions  what node.lua says that is for `filo serve` and not for the node
---@field log_level "error"|"warning"|"info"
---@field start? fun(node: filo.Node)

local function is_level(value)
  for _, known in ipairs(log.LEVELS) do
    if value == known then return true end
  end
  return false
end

---Takes out what is for the service.
---@return filo.ServiceOptions?, filo.Error?
local function take_service_options(file, options)
  local taken = { log_level = options.log_level or "info", start = options.start }
  options.log_level, options.start = nil, nil
  if not is_level(taken.log_level) then
    return errors.fail("invalid", ("%s: log_level must be one of: %s"):format(file, table.concat(log.LEVELS, ", ")))
  end
  if taken.start ~= nil and type(taken.start) ~= "function" then
    return errors.fail("invalid", ("%s: start must be a function, which is given the node"):format(file))
  end
  return taken
end

---The options for `filo.node` that a root's node.lua gives, checked, and those for the service.
---@param path string
---@return table?, filo.ServiceOptions|filo.Error
function root.load(path)
  local given, err = run_options(path)
  if not given then return nil, err end
  local options = {}
  for name, value in pairs(given) do options[name] = value end
  local service
  service, err = take_service_options(root.options_file(path), options)
  if not service then return nil, err end
  options.root = path
  if not options.cluster and root.exists(root.secret_file(path)) then
    options.cluster, err = secret.read(root.secret_file(path))
    if err then return nil, err end
  end
  local ok, problem = pcall(setup.check_node_options, host, options, 2)
  if ok then return options, service end
  return errors.fail("invalid", ("%s: %s"):format(root.options_file(path), errors.text(problem):gsub("^filo%.node: ", "")))
end

return root
