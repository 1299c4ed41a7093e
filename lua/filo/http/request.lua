---A request, as handlers see it.

local body = require "filo.http.body"
local inside = require "filo.base.inside"
local target = require "filo.http.target"

---@class filo.http.Request
---@field method string  "GET"
---@field path string  decoded: any bytes
---@field raw_path string  as it came, in ASCII
---@field raw_query? string  the same of what came after "?"
---@field query table<string, string>  decoded; of a name that comes more than once, the first value
---@field parameters table<string, string>  what a route has found in the path
---@field headers table<string, string>  by names in lower case; values of one name are joined by ", "
---@field host string  whom the client asked for; "" where it did not say
---@field remote string  the client: "host:port"
---@field secure boolean  came over TLS
---@field minor integer  of the version: 1, or 0 of HTTP/1.0
---@field length? integer  bytes of the body, where they were announced
---@field chunked boolean  the body comes in chunks
---@field keep_alive boolean  another request may follow on the connection
---@field expects boolean  the client waits to be asked for the body, even where there is none
local Request = {}

---Made when they are asked for.
local lazy = {}

function lazy.query(self)
  local values = {}
  for _, pair in ipairs(target.query(self.raw_query)) do
    if values[pair[1]] == nil then values[pair[1]] = pair[2] end
  end
  return values
end

function lazy.parameters() return {} end

function Request.__index(self, name)
  if not lazy[name] then return Request[name] end
  local value = lazy[name](self)
  rawset(self, name, value)
  return value
end

---Its body; the same each time.
---@return filo.http.Body
function Request:body()
  local made = rawget(self, "made_body") or body.new(inside.of(self), self)
  rawset(self, "made_body", made)
  return made
end

local request = {}

---Whether a body comes with it.
---@param self filo.http.Request
---@return boolean
function request.has_body(self) return self.chunked or (self.length or 0) > 0 end

---@param connection filo.core.Http
---@param head filo.core.HttpHead  is made the request
---@param remote string
---@param secure boolean
---@return filo.http.Request?
---@return string? reason  of what makes no sense
function request.new(connection, head, remote, secure)
  local parsed, reason = target.parse(head.target)
  if not parsed then return nil, reason end
  if not target.is_host(head.headers.host or "") then return nil, "the Host field names no host" end
  head.target, head.path, head.raw_path, head.raw_query = nil, parsed.path, parsed.raw_path, parsed.raw_query
  head.host, head.remote, head.secure = parsed.authority or head.headers.host or "", remote, secure
  if request.has_body(head) then inside.keep(head, connection) end
  return setmetatable(head, Request)
end

return request
