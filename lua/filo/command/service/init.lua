---A node as a service, what `filo serve` runs: from its node.lua to the signal that ends it.
---
---    SIGHUP, filo reload         read node.lua again; when that fails, the node goes on as it is
---    SIGTERM, SIGINT, filo stop  end it in order; a second signal ends it at once

local at_end = require "filo.host.at_end"
local control = require "filo.command.control"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local filo = require "filo"
local limits = require "filo.host.limits"
local log_events = require "filo.command.service.log_events"
local modules = require "filo.core.modules"
local new_log = require("filo.command.log").new
local new_serving = require "filo.command.service.serving"
local node_lua = require "filo.command.root.node_lua"
local run_start = require "filo.command.service.start"
local runtime = require "filo.core.runtime"
local served = require "filo.command.root.served"

---When the node took longer to end, the tasks that node.lua has started are not waited for as well: together it would be 5 s and more.
local QUICK_SECONDS = 0.5

---@class filo.Service
local Service = {}
Service.__index = Service

function Service:tell(level, message, fields) self.log:write(level, message, fields) end

---Tells the service manager, if there is one. When that fails, it is no reason to stop.
function Service:notify(state)
  local told, err = runtime.notify(state)
  if told == nil then self:tell("warning", tostring(err)) end
end

---The options in node.lua, with this service's log.
function Service:options()
  local options, service = node_lua.read(self.root)
  if not options then return nil, service end
  options.log = function(...) self:tell(...) end
  service.log_level = self.fixed_level or service.log_level
  service.s3 = self.fixed_s3 or service.s3
  return options, service
end

---Tells of what is taken from node.lua, and not used.
function Service:tell_ignored(service)
  for _, sentence in ipairs(service.ignored) do self:tell("warning", sentence) end
end

---What os.exit does in node.lua, and in all that it starts or hangs on the node.
local function on_exit(self, status)
  local text = "%sos.exit(%d) was called: the node stops"
  self:tell("warning", text:format(runtime.where(), status), { event = "os_exit", status = status })
  if runtime.current() == self.opener then return end -- nobody would end it in order
  self.status = status
  self:ask_stop "os.exit"
  runtime.suspend()
end

---From now on the scripts of node.lua may compute for so long without waiting, in whatever task.
local function limit_scripts()
  runtime.current():limit(limits.compute)
  runtime.sleep(0) -- it holds from the next wait on
end

---Puts into a channel what each of these signals asks for. One that comes while the last still waits says nothing new.
local function on_signals(channel, ...)
  for _, name in ipairs { ... } do
    filo.on_signal(name, function() channel:send("SIG" .. name, 0) end)
  end
end

---Has the node answer commands, and starts what node.lua wants to.
---@return true?, filo.Error?
local function begin(self, tell, service)
  local node = self.node
  log_events(node, tell) -- peers may come at once
  local ok, err = control.serve(node, self)
  if not ok then return nil, err end
  local where = node.address and "listens at " .. node.address or "does not listen"
  self:tell("info", ("node %s %s, its root is %s"):format(node.id, where, self.root),
    { event = "started", id = node.id, address = node.address, root = self.root })
  self.serving = new_serving(node, function(...) self:tell(...) end)
  ok, err = self.serving:begin(service, tell)
  if not ok then return nil, err end
  if not service.start then return true end
  return run_start(self, service.start)
end

---Opens the node.
---@param path string  the root
---@param given {log_level?: string, log_json?: boolean, s3?: string}  over what node.lua says
---@return filo.Service?, filo.Error?
function Service.open(path, given)
  local fixed_s3, wrong = served.of("s3", given.s3)
  if wrong then return nil, errors.wrap(wrong, "--s3") end
  limit_scripts()
  runtime.log_format(given.log_json and "json" or "dated")
  local self = setmetatable({
    root = path, status = exit.done, opener = runtime.current(),
    fixed_level = given.log_level, fixed_s3 = fixed_s3, reloads = filo.channel(), stops = filo.channel(),
    log = new_log { level = given.log_level or "info", json = given.log_json },
  }, Service)
  on_signals(self.reloads, "HUP")
  runtime.on_exit(function(status) on_exit(self, status) end)
  local opened
  local _ <close> = at_end(function()
    runtime.on_exit(nil)
    if self.node and not opened then self.node:close() end
  end)
  local options, service = self:options()
  if not options then return nil, service end
  self.log.level = service.log_level
  self:tell_ignored(service)
  local err
  self.node, err = filo.node(options)
  if not self.node then return nil, err end
  opened, err = begin(self, options.log, service)
  if not opened then return nil, err end
  return self
end

---Takes over what node.lua says now.
---@return string[]? later  the options that wait for a restart
---@return filo.Error?
local function reload(self)
  self:notify(("RELOADING=1\nMONOTONIC_USEC=%d"):format(math.floor(runtime.now() * 1e6)))
  local options, service = self:options()
  local later
  if options then
    later = self.node:configure(options)
    local waiting = self.serving:reload(service)
    table.move(waiting, 1, #waiting, #later + 1, later)
    self.log.level = service.log_level
    self:tell_ignored(service)
    self:tell("info", "node.lua was read again", { event = "reloaded" })
    if later[1] then
      self:tell("warning", ("node.lua has other values for %s: they wait for a restart"):format(table.concat(later, ", ")))
    end
  else
    self:tell("error", ("node.lua is not taken over, the node goes on as it is: %s"):format(service), { event = "reload_failed" })
  end
  self:notify "READY=1"
  return later, not later and service or nil
end

---Has node.lua read again, and waits for that.
---@return string[]? later  the options that wait for a restart
---@return filo.Error?  node.lua is not taken over
function Service:ask_reload()
  local answers = filo.channel()
  self.reloads:send(answers)
  return table.unpack(answers:receive(), 1, 2)
end

---Has `run` end.
---@param who string  asks, for the log
function Service:ask_stop(who) self.stops:send(who, 0) end

---One after another, whoever asks.
local function reload_when_asked(self)
  runtime.on_exit(function(status) on_exit(self, status) end)
  while true do
    local answers = self.reloads:receive()
    local later, err = reload(self)
    if answers ~= "SIGHUP" then answers:send({ later, err }, 0) end
  end
end

local function stop_when_closed(self)
  self.node:wait()
  self:tell("warning", "a script has closed the node", { event = "closed" })
  self:ask_stop "nothing is served any more"
end

---Serves until it is asked to stop.
---@return integer status  with which the process should end
function Service:run()
  on_signals(self.stops, "TERM", "INT")
  local beside = { filo.spawn(reload_when_asked, self), filo.spawn(stop_when_closed, self) }
  self:notify "READY=1"
  modules.let_go()
  local who = self.stops:receive()
  filo.on_signal("TERM", nil)
  filo.on_signal("INT", nil)
  for _, task in ipairs(beside) do task:cancel() end
  self:notify "STOPPING=1"
  self:tell("info", "stops: " .. who, { event = "stopping" })
  return self.status
end

---Ends the node. When something in it takes its time, the process ends without more ado; that costs nothing that was acknowledged.
function Service:close()
  local began = filo.now()
  local closed = filo.timeout(limits.stop, function()
    self.serving:close(1)
    self.node:close()
    return true
  end)
  if not closed then self:tell("warning", ("the node has not ended after %g s: the process does"):format(limits.stop)) end
  if not closed or filo.now() - began > QUICK_SECONDS then os.exit(self.status) end
end

Service.__close = Service.close

return Service
