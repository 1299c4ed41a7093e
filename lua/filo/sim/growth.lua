---What must not grow in a quiet world: tasks, timers, and the tables of nodes. Methods of filo.sim.Checks.

local format = require "filo.base.format"
local runtime = require "filo.core.runtime"
local sizes = require "filo.sim.sizes"

local growth = {}

local SAMPLES, SAMPLE_SECONDS = 5, 7

local function sample(world)
  local measured = { tasks = runtime.live_tasks(), timers = runtime.timers(), moving = 0 }
  for _, machine in ipairs(world.machines) do
    local run = machine.run
    if run and run.node then measured.moving = measured.moving + #run.node:activity() end
  end
  return measured
end

---What there is in a quiet world: the least of some samples, since something may be under way in one.
---@return {tasks: integer, timers: integer, moving: integer, tables: table}
function growth:measure()
  local least = sample(self.world)
  for _ = 2, SAMPLES do
    runtime.sleep(SAMPLE_SECONDS)
    for name, value in pairs(sample(self.world)) do least[name] = math.min(least[name], value) end
  end
  least.tables = sizes.tables(self.world)
  return least
end

---Whether something has become more from each measurement to the next: what is made when it is first needed does not.
local function grows(measured, name)
  for i = 2, #measured do
    if measured[i][name] <= measured[i - 1][name] then return false end
  end
  return true
end

---measured: what there was each time that the nodes had been used, and then nothing had happened for a while.
function growth:compare(measured)
  local first, last, tables = measured[1], measured[#measured], {}
  for _, name in ipairs { "tasks", "timers" } do
    if grows(measured, name) then self:violate("quiet", nil, "%d %s where there were %d", last[name], name, first[name]) end
  end
  for i, each in ipairs(measured) do tables[i] = each.tables end
  local path, before, now = sizes.growing(tables)
  if path then self:violate("quiet", nil, "%d entries in the table %s where there were %d", now, path, before) end
  if last.moving > 0 then self:violate("quiet", nil, "%s on the way still", format.count(last.moving, "copy is", "copies are")) end
  self:pass "quiet"
end

return growth
