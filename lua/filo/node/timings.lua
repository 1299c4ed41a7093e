---How long what scripts ask of a node takes, and how often it fails.

local new_histogram = require "filo.base.histogram"

---@class filo.Timing
---@field took filo.Histogram
---@field failed integer

---@class filo.Timings
---@field of table<string, filo.Timing>  by operation
local Timings = {}
Timings.__index = Timings

---@param host filo.Host
---@return filo.Timings
local function new(host) return setmetatable({ host = host, of = {} }, Timings) end

local function note(self, timing, began, result, ...)
  timing.took:add(self.host.now() - began)
  if result == nil then timing.failed = timing.failed + 1 end
  return result, ...
end

---Has a method of an object timed from now on.
---@param object table
---@param method string
---@param operation string
function Timings:watch(object, method, operation)
  local timing = self.of[operation] or { took = new_histogram(), failed = 0 }
  local fn = object[method]
  self.of[operation] = timing
  object[method] = function(...) return note(self, timing, self.host.now(), fn(...)) end
end

return new
