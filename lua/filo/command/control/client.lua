---Asks a running node through the socket in its root.

local control = require "filo.command.control"
local errors = require "filo.base.errors"
local filo = require "filo"
local limits = require "filo.host.limits"
local root = require "filo.command.root"
local store = require "filo.core.store"
local wire = require "filo.command.control.wire"

---@class filo.control.Client
local Client = {}
Client.__index = Client

---Connects to the node of a root.
---@param path string
---@return filo.control.Client?, filo.Error?  "not_running" when there is none
function Client.open(path)
  local connection, err = filo.dial("unix:" .. control.path(path))
  if connection then return setmetatable({ connection = connection, root = path }, Client) end
  if err.code ~= "not_found" and err.code ~= "unreachable" then return nil, err end
  if store.look(path) ~= "made" then return errors.fail("not_running", root.missing(path).message) end
  local start = ("no node runs on %s: start it with `filo serve --root %s`"):format(path, path)
  if not root.exists(root.options_file(path)) then start = start .. "; " .. root.without_options(path).message end
  return errors.fail("not_running", start)
end

local function lost(self, err)
  return errors.fail("not_running", ("the node on %s has ended meanwhile (%s)"):format(self.root, tostring(err)))
end

---What a last message says.
local function answer_of(self, message, err)
  if not message then return lost(self, err) end
  if message.error then return nil, errors.new(message.error.code, message.error.message, message.error) end
  return message.result
end

local function silent(self, seconds)
  return errors.fail("timeout", ("the node on %s has not answered for %g s: a script in it does not stop, or its disk hangs; "
    .. "its log may tell, and SIGTERM ends it"):format(self.root, seconds))
end

---Asks what a node answers at once, and waits for the answer so long only.
---@param call string
---@return any, filo.Error?
function Client:ask(call)
  local ok, err = wire.send(self.connection, { call = call })
  if not ok then return lost(self, err) end
  local message
  message, err = wire.receive(self.connection, limits.answer)
  if not message and err.code == "timeout" then return silent(self, limits.answer) end
  return answer_of(self, message, err)
end

---Asks, and waits for the answer. When the wait is cancelled, what the node does for it is ended, too, by closing.
---@param call string
---@param ask? table
---@param on_event? fun(event: table)
---@param file? file*|filo.core.Descriptor  an open file that goes along
---@return any, filo.Error?
function Client:call(call, ask, on_event, file)
  local ok, err = wire.send(self.connection, { call = call, ask = ask, file = file ~= nil })
  if ok and file then ok, err = self.connection:pass(file) end
  if not ok then return lost(self, err) end
  while true do
    local message
    message, err = wire.receive(self.connection)
    if not message or message.error or message.result ~= nil then return answer_of(self, message, err) end
    if message.event and on_event then on_event(message.event) end
  end
end

---Waits until the process of the node has ended, which was asked to. An error that it answers instead is given.
---@param call string
---@return true?, filo.Error?
function Client:call_to_end(call)
  local ok, err = wire.send(self.connection, { call = call })
  if not ok then return lost(self, err) end
  local message
  message, err = wire.receive(self.connection, limits.answer + limits.stop)
  if message then return answer_of(self, message) end
  if err.code == "timeout" then return silent(self, limits.answer + limits.stop) end
  return true
end

---The process of the node.
---@return integer?  nil: it is not known here, such as in a container
function Client:process()
  local id = math.tointeger((self.connection:remote() or ""):match "^process (%d+)$")
  return id ~= 0 and id or nil
end

---Interrupts what the node does for the call that waits, which then gives nil and an error whose code is "cancelled".
function Client:interrupt() return wire.send(self.connection, { cancel = true }) end

function Client:close() self.connection:close() end

Client.__close = Client.close

return Client
