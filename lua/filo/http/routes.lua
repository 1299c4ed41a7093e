---Which function a request is for, by its method and path: `routes.new { ["GET /o/{key...}"] = function(request) ... end }`.
---
---Patterns are kept as a tree of segments. A request goes down that tree, the most specific way first, and comes back from a way that
---leads nowhere; so it looks at each segment of the patterns once at most, however long its path is.

local format = require "filo.base.format"
local sorted_keys = require "filo.base.sorted_keys"
local target = require "filo.http.target"

local routes = {}

---What serves one method of one pattern.
---@class filo.http.Route
---@field run fun(request: table): any
---@field pattern string
---@field names table<integer, string>  of parameters, by the segments that they stand for
---@field rest? integer  the first of the segments that its last parameter stands for

---@class filo.http.RouteNode
---@field literal table<string, filo.http.RouteNode>
---@field one? filo.http.RouteNode  after {name}
---@field here table<string, filo.http.Route>  by methods; "": any
---@field rest table<string, filo.http.Route>  the same for {name...} after this
local function new_node() return { literal = {}, here = {}, rest = {} } end

-- Patterns --------------------------------------------------------------------------------------------------------------

---A segment of a pattern.
---@return {literal?: string, name?: string, is_rest?: boolean}?
---@return string? problem
local function segment_of(text)
  local name, dots = text:match "^{([%a_][%w_]*)(%.*)}$"
  if name and (dots == "" or dots == "...") then return { name = name, is_rest = dots == "..." } end
  if text:find "[{}]" then return nil, ("'%s' is neither a word nor {name} nor {name...}"):format(text) end
  local literal, problem = target.decode(text)
  return literal and { literal = literal }, problem
end

---@return boolean
local function has_name(route, name)
  for _, other in pairs(route.names) do
    if other == name then return true end
  end
  return false
end

---Goes down the tree by a segment of a pattern, and makes what is missing.
---@return filo.http.RouteNode?
---@return string? problem
local function step(node, route, position, text)
  if route.rest then return nil, ("nothing can follow {%s...}"):format(route.names[route.rest]) end
  local segment, problem = segment_of(text)
  if not segment then return nil, problem end
  if segment.literal then
    node.literal[segment.literal] = node.literal[segment.literal] or new_node()
    return node.literal[segment.literal]
  end
  if has_name(route, segment.name) then return nil, ("the name '%s' is there twice"):format(segment.name) end
  route.names[position] = segment.name
  if segment.is_rest then
    route.rest = position
    return node
  end
  node.one = node.one or new_node()
  return node.one
end

---@return string method  "": any
---@return string? path  nil: the pattern is bad
local function halves(pattern)
  local method, path = pattern:match "^(%u[%u%d_-]*) (/.*)$"
  path = path or pattern:match "^/.*$"
  if path and path:find "[%c ?#]" then path = nil end
  return method or "", path
end

---@return string? problem
local function add(root, pattern, run)
  if type(pattern) ~= "string" then return ("the pattern %s must be a string"):format(tostring(pattern)) end
  if type(run) ~= "function" then return ("the pattern '%s' needs a function, not a %s"):format(pattern, type(run)) end
  local method, path = halves(pattern)
  if not path then return ("the pattern '%s' is bad: 'GET /path' or '/path' expected"):format(pattern) end
  local node, route, position = root, { run = run, pattern = pattern, names = {} }, 0
  for text in path:gmatch "/([^/]*)" do
    position = position + 1
    local below, problem = step(node, route, position, text)
    if not below then return ("the pattern '%s' is bad: %s"):format(pattern, problem) end
    node = below
  end
  local by_method = route.rest and node.rest or node.here
  local other = by_method[method]
  if other then return ("the pattern '%s' is the same as '%s'"):format(pattern, other.pattern) end
  by_method[method] = route
  return nil
end

-- Requests --------------------------------------------------------------------------------------------------------------

---What serves a method; nil: nothing, and what others are served is noted.
---@param by_method table<string, filo.http.Route>
---@param method string
---@param allowed table<string, true>
---@return filo.http.Route?
local function choose(by_method, method, allowed)
  local route = by_method[method] or method == "HEAD" and by_method.GET or by_method[""]
  if route then return route end
  for name in pairs(by_method) do allowed[name] = true end
  if by_method.GET then allowed.HEAD = true end
  return nil
end

---The most specific route below a node that serves the segments from `position` on.
---@return filo.http.Route?
local function find(node, segments, position, method, allowed)
  local segment = segments[position]
  if not segment then return choose(node.here, method, allowed) end
  local literal = node.literal[segment]
  local route = literal and find(literal, segments, position + 1, method, allowed)
  if not route and node.one and segment ~= "" then route = find(node.one, segments, position + 1, method, allowed) end
  return route or choose(node.rest, method, allowed)
end

local function parameters_of(route, segments)
  local parameters = {}
  for position, name in pairs(route.names) do
    parameters[name] = position == route.rest and table.concat(segments, "/", position) or segments[position]
  end
  return parameters
end

---The answer when no route serves a request.
local function refusal(request, allowed)
  local path = format.printable(target.decode(request.raw_path) or request.raw_path)
  if not next(allowed) then return { status = 404, body = ("there is nothing at %s\n"):format(path) } end
  local methods = table.concat(sorted_keys(allowed), ", ")
  return { status = 405, headers = { Allow = methods }, body = ("%s takes %s only\n"):format(path, methods) }
end

---A pattern is a path, and a method and a blank before it where not any method will do. A segment of the path is a word, {name} for one
---that is not empty, or, as the last, {name...} for all that follows, slashes too. The more specific pattern wins, by segments from the
---left. GET serves HEAD, too.
---@param patterns table<string, fun(request: table): any>
---@return fun(request: table): any  needs `method` and `raw_path` of a request, and sets its `parameters`
function routes.new(patterns)
  if type(patterns) ~= "table" then error("routes: a table expected, of functions by patterns", 2) end
  local root = new_node()
  for _, pattern in ipairs(sorted_keys(patterns, function(a, b) return tostring(a) < tostring(b) end)) do
    local problem = add(root, pattern, patterns[pattern])
    if problem then error("routes: " .. problem, 2) end
  end
  return function(request)
    local segments, allowed = target.segments(request.raw_path), {}
    local route = find(root, segments, 1, request.method, allowed)
    if not route then return refusal(request, allowed) end
    request.parameters = parameters_of(route, segments)
    return route.run(request)
  end
end

return routes
