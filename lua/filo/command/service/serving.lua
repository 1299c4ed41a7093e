---What `filo serve` serves beside its peers: HTTP and S3, where node.lua says so.

local errors = require "filo.base.errors"
local is_loopback = require "filo.base.is_loopback"
local net = require "filo.core.net"
local new_sessions = require "filo.command.web.sessions"
local s3 = require "filo.command.s3"
local sorted_keys = require "filo.base.sorted_keys"
local web = require "filo.command.web"

---@class filo.Front
---@field begin fun(node: filo.Node, given: table, tell: function, sessions: filo.Sessions): filo.http.Server?, filo.Error?
---@field sentence fun(given: table): string  for the log: of what follows "http" and where
---@field is_open fun(given: table): boolean  whether who listens in would see keys and content

---@type table<string, filo.Front>
local FRONTS = {
  http = {
    begin = web, is_open = function(given) return given.objects == true end,
    sentence = function(given) return given.objects and "serves objects at http%s://%s/o/" or "tells of itself at http%s://%s/" end,
  },
  s3 = { begin = s3, is_open = function() return true end, sentence = function() return "serves S3 at http%s://%s/" end },
}

---@class filo.Serving
---@field node filo.Node
---@field tell fun(level: string, message: string, fields?: table)
---@field servers table<string, filo.http.Server>
---@field given table<string, table>
---@field sessions filo.Sessions  of browsers with the page of the node
local Serving = {}
Serving.__index = Serving

---@return filo.Serving
local function new(node, tell)
  return setmetatable({ node = node, tell = tell, servers = {}, given = {}, sessions = new_sessions() }, Serving)
end

---Whether an address is reached from this machine only.
local function is_here(address)
  local host = net.address(address)
  return not host or is_loopback(host) -- else a Unix socket
end

local function begin(self, name, given, log)
  local front = FRONTS[name]
  local server, err = front.begin(self.node, given, log, self.sessions)
  if not server then return nil, errors.wrap(err, "the option " .. name) end
  self.servers[name], self.given[name] = server, given
  if front.is_open(given) and not given.tls and not is_here(server.address) then
    self.tell("warning", ("whoever listens in on the way to http://%s/ sees keys and content: give it tls"):format(server.address))
  end
  local text = front.sentence(given):format(given.tls and "s" or "", server.address)
  self.tell("info", text, { event = name, address = server.address })
  return true
end

---@param service filo.ServiceOptions
---@param log function  of what goes wrong there
---@return true?, filo.Error?
function Serving:begin(service, log)
  for _, name in ipairs(sorted_keys(FRONTS)) do
    if service[name] then
      local ok, err = begin(self, name, service[name], log)
      if not ok then return nil, err end
    end
  end
  return true
end

local EVERY = { ["0.0.0.0"] = "127.0.0.1", ["::"] = "[::1]" }

---Where a browser on this machine finds what is served at an address.
---@param asked string  the address as node.lua has it
---@param address string  the numeric one
---@return string?
local function reached(asked, address)
  local host, port = net.address(address)
  if not host then return nil end -- a Unix socket
  local name = net.address(asked)
  if name and name:find "%a" and not name:find(":", 1, true) then return ("%s:%d"):format(name, port) end -- a certificate is for a name
  return ("%s:%d"):format(EVERY[host] or host:find(":", 1, true) and "[" .. host .. "]" or host, port)
end

---A link to the page of the node, which works once.
---@return string?, filo.Error?
function Serving:page()
  local server, given = self.servers.http, self.given.http
  if not server then
    return errors.fail("unsupported", 'the node has no page: give it one by http = "127.0.0.1:7180" in node.lua, and start it again')
  end
  local place = reached(given.address, server.address)
  if not place then return errors.fail("unsupported", ("no browser reaches the page of the node at %s"):format(server.address)) end
  return ("http%s://%s/?token=%s"):format(given.tls and "s" or "", place, self.sessions:token())
end

---Where it serves, and how; with what files.
local function place_of(value)
  if type(value) ~= "table" then return ("%q"):format(value) end
  local parts = {}
  for i, name in ipairs(sorted_keys(value)) do parts[i] = ("%s=%s"):format(name, place_of(value[name])) end
  return table.concat(parts, " ")
end

---Has certificates read again. Where it serves stays.
---@param service filo.ServiceOptions
---@return string[]  names of options that wait for a restart
function Serving:reload(service)
  local later = {}
  for _, name in ipairs(sorted_keys(FRONTS)) do
    local server = self.servers[name]
    if place_of(self.given[name]) ~= place_of(service[name]) then
      later[#later + 1] = name
    elseif server then
      local ok, err = server:reload()
      if not ok then self.tell("error", ("the certificate stays what it was: %s"):format(err)) end
    end
  end
  return later
end

---@param seconds number  for what is being answered
function Serving:close(seconds)
  for _, name in ipairs(sorted_keys(self.servers)) do self.servers[name]:close(seconds) end
end

return new
