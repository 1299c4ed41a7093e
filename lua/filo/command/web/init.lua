---What `filo serve` tells over HTTP where node.lua has the option `http`: whether it is well, and its figures.
---
---    GET /healthz   200 while it answers at all
---    GET /readyz    200 when it can be asked for objects, 503 and why else
---    GET /metrics   figures for Prometheus
---    GET /events    what happens, as it does, for who has a key
---    /o/KEY         objects, where the option says so

local events_of = require "filo.command.web.events"
local exposition = require "filo.command.web.exposition"
local filo = require "filo"
local metrics_of = require "filo.command.web.metrics"
local readiness = require "filo.command.web.readiness"
local routes_of_objects = require "filo.command.web.objects"

local function readyz(node)
  local why = readiness.problem(node)
  return why and { status = 503, body = why .. "\n" } or "ready\n"
end

---@param node filo.Node
---@param started integer
local function routes_of(node, started)
  return {
    ["GET /healthz"] = function() return "ok\n" end,
    ["GET /events"] = events_of(node),
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
---@return filo.http.Server?, filo.Error?
return function(node, given, tell)
  local routes = routes_of(node, os.time())
  for route, fn in pairs(given.objects and routes_of_objects(node) or {}) do routes[route] = fn end
  return filo.http.serve(given.address, filo.http.routes(routes), { tls = given.tls, log = tell })
end
