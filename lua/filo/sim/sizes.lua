---How much a node has in its tables: entries of all that can be reached from it, through fields and through what its functions close over,
---without what is shared by all nodes or belongs to the simulated world.

local sizes = {}

local function follow(value, seen, functions, visit)
  local kind = type(value)
  if seen[value] or kind ~= "table" and not (functions and kind == "function") then return end
  seen[value] = true
  visit[#visit + 1] = value
end

local function visit_table(value, seen, functions, visit)
  local count = 0
  follow(getmetatable(value), seen, functions, visit)
  for key, each in next, value do
    count = count + 1
    follow(key, seen, functions, visit)
    follow(each, seen, functions, visit)
  end
  return count
end

local function visit_function(value, seen, visit)
  local at = 1
  while true do
    local name, each = debug.getupvalue(value, at)
    if not name then return 0 end
    follow(each, seen, true, visit)
    at = at + 1
  end
end

---Entries of all tables reached from a value that were not `seen` before; they are from then on.
local function count(value, seen, functions)
  local visit, entries = {}, 0
  follow(value, seen, functions, visit)
  while #visit > 0 do
    local each = table.remove(visit)
    entries = entries + (type(each) == "table" and visit_table(each, seen, functions, visit) or visit_function(each, seen, visit))
  end
  return entries
end

---The entries of the tables of all nodes of a world.
---@param world filo.sim.World
---@return integer
function sizes.entries(world)
  for _ = 1, 2 do collectgarbage() end -- twice: weak tables still have what waits for its __gc
  local seen, nodes = {}, {}
  for _, machine in ipairs(world.machines) do
    local node = machine.run and machine.run.node
    if node then
      nodes[#nodes + 1], seen[node] = node, true
    end
  end
  count(package.loaded, seen, false)
  count(world, seen, false)
  local entries = 0
  for _, node in ipairs(nodes) do
    seen[node] = nil
    entries = entries + count(node, seen, true)
  end
  return entries
end

return sizes
