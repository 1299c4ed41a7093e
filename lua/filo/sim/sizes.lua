---How much a node has in its tables: all that can be reached from it, through fields and through what its functions close over, without
---what is shared by all nodes or belongs to the simulated world.

local collect = require "filo.sim.collect"
local inside = require "filo.base.inside"
local runtime = require "filo.core.runtime"

local sizes = {}

local TABLES_AT_ONCE = 5000

---A walk over tables and, with `functions`, what these close over: each is `seen` once. on_table(table, path, count) is called for each.
---@class filo.sim.SizesWalk
local Walk = {}
Walk.__index = Walk

local function new_walk(seen, functions, on_table)
  return setmetatable({ seen = seen, functions = functions, on_table = on_table, values = {}, paths = {} }, Walk)
end

function Walk:follow(value, path, name)
  local kind = type(value)
  if self.seen[value] or kind ~= "table" and not (self.functions and kind == "function") then return end
  self.seen[value] = true
  table.insert(self.values, value)
  table.insert(self.paths, name and path .. "." .. name or path)
end

function Walk:visit_table(value, path)
  local count = 0
  self:follow(getmetatable(value), path, "metatable")
  for key, each in next, value do
    count = count + 1
    self:follow(key, path, "key")
    self:follow(each, path, type(key) == "string" and key:match "^[%a_][%w_]*$" or "(" .. type(key) .. ")")
  end
  local meta = getmetatable(value)
  local is_weak = type(meta) == "table" and rawget(meta, "__mode") ~= nil -- others keep what is in it
  if self.on_table and not is_weak then self.on_table(value, path, count) end
end

function Walk:visit_function(value, path)
  local at = 1
  while true do
    local name, each = debug.getupvalue(value, at)
    if not name then return end
    self:follow(each, path, name)
    at = at + 1
  end
end

function Walk:run(value, path)
  self:follow(value, path)
  local visited = 0
  while #self.values > 0 do
    visited = visited + 1
    if visited % TABLES_AT_ONCE == 0 then runtime.sleep(0) end
    local each, at = table.remove(self.values), table.remove(self.paths)
    if type(each) == "table" then self:visit_table(each, at) else self:visit_function(each, at) end
  end
end

---The tables of all nodes of a world: where each is reached, and how many entries it has. What nobody needs any more is not kept by that.
---Others run meanwhile.
---@param world filo.sim.World
---@return table<table, {path: string, count: integer}>
function sizes.tables(world)
  collect()
  local seen, running, found = {}, {}, setmetatable({}, { __mode = "k" })
  for _, machine in ipairs(world.machines) do
    local node = machine.run and inside.of(machine.run.node)
    if node then
      running[#running + 1], seen[node] = { name = machine.name, node = node }, true
    end
  end
  local shared = new_walk(seen, false)
  shared:run(package.loaded, "")
  shared:run(world, "")
  local walk = new_walk(seen, true, function(each, path, count) found[each] = { path = path, count = count } end)
  for _, each in ipairs(running) do
    seen[each.node] = nil
    walk:run(each.node, each.name)
  end
  return found
end

---What a node remembers for an hour or a day, up to so many entries: a time of checks is too short to see that it is forgotten again.
local REMEMBERED = { ["vouching.vouched"] = true, ["surplus.dropped"] = true, ["repair.denied"] = true }

local function is_remembered(path) return REMEMBERED[path:match "[^.]+%.[^.]+$"] end

---A table that has become larger from each measurement to the next: what is made when it is first needed does not. The first by its path.
---@param measured table<table, {path: string, count: integer}>[]
---@return string? path, integer? before, integer? now
function sizes.growing(measured)
  local path, before, now
  for each, last in pairs(measured[#measured]) do
    local grows, earlier = true, last
    for i = #measured - 1, 1, -1 do
      local there = measured[i][each]
      grows = grows and there ~= nil and there.count < earlier.count
      earlier = there
    end
    if grows and not is_remembered(last.path) and (not path or last.path < path) then
      path, before, now = last.path, measured[1][each].count, last.count
    end
  end
  return path, before, now
end

return sizes
