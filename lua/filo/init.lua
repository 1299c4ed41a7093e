---Filo's public face: `local filo = require "filo"`.

local crypto = require "filo.core.crypto"
local errors = require "filo.errors"
local host = require "filo.host"
local net = require "filo.core.net"
local new_node = require "filo.node"
local policy = require "filo.policy"
local runtime = require "filo.core.runtime"
local source = require "filo.source"
local task = require "filo.task"

---@class filo
local filo = {
  VERSION = "0.1",
  spawn = task.spawn,
  sleep = task.sleep,
  timeout = task.timeout,
  all = task.all,
  race = task.race,
  channel = task.channel,
  now = runtime.now,
  on_signal = runtime.on_signal,
  memory = runtime.memory,
  program = runtime.program(),
  file = source.file,
  policy = { everywhere = policy.everywhere, copies = policy.copies },
  crypto = crypto,
  error = errors.new,
}

---Makes and starts a node. See lua/README.md for the options.
---@param options table
---@return filo.Node?, filo.Error?
function filo.node(options) return new_node(host, options) end

---The open nodes of this process, in the order in which they were made.
---@return filo.Node[]
function filo.nodes() return host.nodes() end

---The path of an address that names a Unix socket.
local function local_path(address)
  return type(address) == "string" and address:match "^unix:(.+)$"
end

---Opens a raw byte connection, for scripts that speak some other protocol.
---@param address string  "host:port", or "unix:path" for a Unix socket
---@param seconds? number  to connect, 10 by default
---@return filo.core.Raw?, filo.Error?
function filo.dial(address, seconds)
  local path = local_path(address)
  if path then return net.dial_local(path) end
  return net.dial_raw(address, seconds)
end

---Listens for raw byte connections; `listener:accept()` gives the next one.
---@param address string  "host:port"; port 0 lets the system choose; or "unix:path", which only the same user may connect to
---@return filo.core.Listener?, filo.Error?
function filo.listen(address)
  local path = local_path(address)
  if path then return net.listen_local(path) end
  return net.listen(address)
end

return filo
