---What `filo serve` tells over HTTP where node.lua has the option `http`: whether it is well, and its figures.
---
---    GET /          a page for people, and its parts at /page/; what it asks for at /api/
---    GET /healthz   200 while it answers at all
---    GET /readyz    200 when it can be asked for objects, 503 and why else
---    GET /metrics   figures for Prometheus
---    GET /events    what happens, as it does, for who has a key
---    /o/KEY         objects, where the option says so

local api_of = require "filo.command.web.api"
local events_of = require "filo.command.web.events"
local exposition = require "filo.command.web.exposition"
local filo = require "filo"
local metrics_of = require "filo.command.web.metrics"
local new_guard = require "filo.command.web.guard"
local page_of = require "filo.command.web.page"
local readiness = require "filo.command.web.readiness"
local routes_of_objects = require "filo.command.web.objects"

local function readyz(node)
  local why = readiness.problem(node)
  return why and { status = 503, body = why .. "\n" } or "ready\n"
end

---@param node filo.Node
---@param guard filo.Guard
---@param started integer
local function routes_of(node, guard, started)
  return {
    ["GET /healthz"] = function() return "ok\n" end,
    ["GET /events"] = events_of(node, guard),
    ["GET /readyz"] = function() return readyz(node) end,
    ["GET /metrics"] = function()
      return { headers = { ["Content-Type"] = exposition.TYPE }, body = exposition.text(metrics_of(node, started)) }
    end,
  }
end

---Serves at an address.
---@param node filo.Node
---@param given {address: string, tls?: table, objects?: boolean}
---@param tell fun(level: string, message: string)
---@param sessions filo.Sessions
---@return filo.http.Server?, filo.Error?
return function(node, given, tell, sessions)
  local guard = new_guard(node, sessions)
  local routes = routes_of(node, guard, os.time())
  for _, more in ipairs { page_of(guard), api_of(node, guard), given.objects and routes_of_objects(node) or {} } do
    for route, fn in pairs(more) do routes[route] = fn end
  end
  return filo.http.serve(given.address, filo.http.routes(routes), { tls = given.tls, log = tell })
end
