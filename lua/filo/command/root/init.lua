---Where the root is that a command works on, and where in it things lie.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local net = require "filo.core.net"

local root = {}

---Adds `--root` to a command.
function root.option(parser)
  parser:option("--root", "Folder of the node. Default: $FILO_ROOT, else filo in $XDG_DATA_HOME or ~/.local/share."):argname "DIR"
end

---Adds `--of` to a command about objects.
function root.of_option(parser)
  parser:option("--of", "Those of a namespace that was accepted under this name; 'own': the node's. Default: what get and put mean.")
    :argname "NAME"
end

---The text, when it is "host:port"; for argparse.
---@param text string
---@return string?, string? problem
function root.check_address(text)
  local valid, err = net.address(text)
  if valid then return text end
  return nil, tostring(err)
end

---The text, when members can be called so; for argparse.
---@param text string
---@return string?, string? problem
function root.check_name(text)
  if text ~= "" and #text <= 64 and format.printable(text) == text then return text end
  return nil, "--name takes a text of 1 to 64 bytes that can be printed"
end

---What this machine is called, as far as that is known, and is a name.
---@return string?
local function machine()
  local file <close> = io.open "/proc/sys/kernel/hostname"
  local name = file and file:read "l"
  return name and root.check_name(name) and name
end

---Adds what becomes options of the node to a command that makes a root.
function root.node_options(parser)
  parser:option("--listen", "Where the node will listen.", "0.0.0.0:7171"):argname("HOST:PORT"):convert(root.check_address)
  parser:option("--name", "What other members call the node. Default: the name of this machine.", machine()):argname("NAME")
    :convert(root.check_name)
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
  local path = args.root or os.getenv "FILO_ROOT"
  if path and path ~= "" then return path end
  local folder = data_home()
  if folder then return folder .. "/filo" end
  return errors.fail("usage", "no root: give --root DIR, or set FILO_ROOT or HOME")
end

---@return string
function root.options_file(path) return path .. "/node.lua" end

---No node was made there.
---@param path string
---@return filo.Error
function root.missing(path)
  return errors.new("invalid", ("there is no node in %s: make one with 'filo init', or with 'filo join' and a token"):format(path))
end

---A node was made there, and what serves it was not, or has gone.
---@param path string
---@return filo.Error
function root.without_options(path)
  return errors.new("invalid", ("there is a node in %s, and no node.lua with its options: 'filo init', or 'filo join' and a token, "
    .. "makes one"):format(path))
end

---@return string
function root.secret_file(path) return path .. "/cluster" end

---Whether there is a file that can be opened, or one that cannot.
---@param path string
---@return boolean
function root.exists(path)
  local file <close>, _, code = io.open(path)
  return file ~= nil or code ~= 2 and code ~= 20 -- ENOENT, ENOTDIR
end

return root
