---A request, as handlers see it.

local body = require "filo.http.body"
local target = require "filo.http.target"

---@class filo.http.Request
---@field method string  "GET"
---@field path string  decoded: any bytes
---@field raw_path string  as it came, in ASCII
---@field query table<string, string>  decoded; of a name that comes more than once, the first value
---@field parameters table<string, string>  what a route has found in the path
---@field headers table<string, string>  by names in lower case; values of one name are joined by ", "
---@field host string  without one: ""
---@field remote string  the client: "host:port"
---@field secure boolean  came over TLS
---@field minor integer  of the version: 1, or 0 of HTTP/1.0
---@field target {path: string, raw_path: string, raw_query?: string, authority?: string}
local Request = {}

local lazy = {}

function lazy.query(self)
  local values = {}
  for _, pair in ipairs(target.query(self.target.raw_query or "")) do
    if values[pair[1]] == nil then values[pair[1]] = pair[2] end
  end
  return values
end

function lazy.parameters() return {} end

function lazy.content(self) return body.new(self.connection, self.head) end

function Request.__index(self, name)
  if lazy[name] then
    local value = lazy[name](self)
    rawset(self, name, value)
    return value
  end
  return Request[name]
end

---Its body; the same each time.
---@return filo.http.Body
function Request:body() return self.content end

---@param connection filo.core.Http
---@param head filo.core.HttpHead
---@param given {remote: string, secure: boolean}
---@return filo.http.Request?
---@return string? reason  of what makes no sense
local function new(connection, head, given)
  local parsed, reason = target.parse(head.target)
  if not parsed then return nil, reason end
  return setmetatable({
    method = head.method, target = parsed, path = parsed.path, raw_path = parsed.raw_path, headers = head.headers,
    host = parsed.authority or head.headers.host or "", remote = given.remote, secure = given.secure, minor = head.minor,
    connection = connection, head = head,
  }, Request)
end

return new
