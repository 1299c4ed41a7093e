---HTTP for scripts: `filo.http`.

local host = require "filo.host.real"
local options = require "filo.base.options"
local routes = require "filo.http.routes"
local server = require "filo.http.server"

local http = {}

local function positive(value) return value <= 0 and "must be more than 0" or nil end

local function is_pair(value)
  if type(value.certificate) == "string" and type(value.key) == "string" then return nil end
  return "must be { certificate = path, key = path }"
end

local RULES = {
  tls = { type = "table", check = is_pair },
  idle = { type = "number", default = 60, check = positive },
  head = { type = "number", default = 10, check = positive },
  stall = { type = "number", default = 30, check = positive },
  connections = { type = "integer", default = 1024, check = positive },
  log = { type = "function", default = host.log },
}

---Serves HTTP/1.1 at an address. The handler is called with each request, several at once, and gives the answer: a body (a string, an
---object, a file by `filo.file`, a function that gives strings up to nil), a status, or `{ status =, headers =, body = }`; or nil and an
---error.
---@param address string  "host:port"; port 0 for a free one; "unix:path"
---@param handler fun(request: filo.http.Request): any, any
---@param given? {tls?: table, idle?: number, head?: number, stall?: number, connections?: integer, log?: function}
---@return filo.http.Server?, filo.Error?
function http.serve(address, handler, given)
  if type(address) ~= "string" then error("serve: an address expected, as \"127.0.0.1:8080\"", 2) end
  if type(handler) ~= "function" then error("serve: a function expected that answers requests", 2) end
  return server.new(address, handler, options.check("serve", given, RULES, 2))
end

---A handler that calls, by method and path, one of several: `filo.http.routes { ["GET /o/{key...}"] = function(request) ... end }`.
http.routes = routes.new

return http
