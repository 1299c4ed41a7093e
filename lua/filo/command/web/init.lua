---What `filo serve` tells over HTTP where node.lua has the option `http`: whether it is well, and its figures.
---
---    GET /healthz   200 while it answers at all
---    GET /readyz    200 when it can be asked for objects, 503 and why else
---    GET /metrics   figures for Prometheus

local exposition = require "filo.command.web.exposition"
local filo = require "filo"
local inside = require "filo.base.inside"
local metrics_of = require "filo.command.web.metrics"

---@param node filo.Node
---@return string?  why not
local function why_unready(node)
  local state, seen = inside.of(node).catalogue:state()
  if state == "ready" then return nil end
  if state == "failed" then return "the catalogue cannot be used: the log tells why" end
  return ("the catalogue is being made, %d objects so far"):format(seen)
end

local function readyz(node)
  local why = why_unready(node)
  return why and { status = 503, body = why .. "\n" } or "ready\n"
end

---Serves at an address, until the scope ends.
---@param node filo.Node
---@param given {address: string, tls?: table}
---@param tell fun(level: string, message: string)
---@return filo.http.Server?, filo.Error?
return function(node, given, tell)
  local started = os.time()
  return filo.http.serve(given.address, filo.http.routes {
    ["GET /healthz"] = function() return "ok\n" end,
    ["GET /readyz"] = function() return readyz(node) end,
    ["GET /metrics"] = function()
      return { headers = { ["Content-Type"] = exposition.TYPE }, body = exposition.text(metrics_of(node, started)) }
    end,
  }, { tls = given.tls, log = tell })
end
