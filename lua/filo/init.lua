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
}

---An error of a script's own, to be returned after nil.
---@param code string
---@param message string  a sentence
---@param fields? table  more fields
---@return filo.Error
function filo.error(code, message, fields)
  if type(code) ~= "string" or type(message) ~= "string" then error("error: a code and a message expected, both strings", 2) end
  return errors.new(code, message, fields)
end

---Makes and starts a node. See lua/README.md for the options.
---@param options table
---@return filo.Node?, filo.Error?
function filo.node(options) return new_node(host, options) end

---The open nodes of this process, in the order in which they were made.
---@return filo.Node[]
function filo.nodes() return host.nodes() end

---Opens a raw byte connection, for scripts that speak some other protocol.
---address: "host:port", or "unix:path" for a Unix socket; seconds: to connect, 10 by default.
---@type fun(address: string, seconds?: number): filo.core.Raw?, filo.Error?
filo.dial = net.dial_raw

---Listens for raw byte connections; `listener:accept()` gives the next one.
---address: "host:port"; port 0 lets the system choose; or "unix:path", which only the same user may connect to.
---@type fun(address: string): filo.core.Listener?, filo.Error?
filo.listen = net.listen_raw

return filo
