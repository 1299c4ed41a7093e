---Plants bugs (plants.lua), one at a time, in a copy of lua/, and has `filo sim` look for each, with one seed after the other. Prints by
---which promise it was found, with which seed, and how many simulated hours of nodes that took. Exit status 1: one was not found.
---
---    filo spec/planted/run.lua [NAME]... [--seeds N]       (all of them, 20 seeds)

local json = require "filo.dkjson"
local plants = require "spec.planted.plants"
local process = require "spec.support.process"
local promises = require("filo.sim.checks").PROMISES
local temp = require "spec.support.temp"

local NODES, HOURS, SEEDS = 8, 4, 20
local RUN_SECONDS = 600

local USAGE = "usage: filo spec/planted/run.lua [NAME]... [--seeds N]"

---What a file is with a change made in it.
---@param source string
---@param change filo.spec.Change
---@return string
local function changed(source, change)
  local first, last = source:find(change.text, 1, true)
  if not first then error(("lua/filo/%s has no '%s' any more: change the plant with the code"):format(change.file, change.text), 0) end
  return source:sub(1, first - 1) .. change.becomes .. source:sub(last + 1)
end

---A folder with the sources in it, and the bug.
---@param plant filo.spec.Plant
local function planted(plant)
  local folder = temp.folder()
  assert(os.execute(("cp -R lua %s"):format(temp.quote(folder:file "lua"))))
  for _, change in ipairs(plant) do
    local name = "lua/filo/" .. change.file
    folder:write(name, changed(folder:read(name), change))
  end
  return folder
end

---Runs one simulation. Gives the name of the first promise that it found broken, and how; or nil, and what went wrong, if anything did.
---@return string? check, string? text
local function simulate(folder, seed)
  local ok, result = pcall(process.run, {
    "sim", "--json", "--seed", tostring(seed), "--nodes", tostring(NODES), "--hours", tostring(HOURS),
    env = { FILO_PATH = folder:file "lua" }, seconds = RUN_SECONDS,
  })
  if not ok then return nil, tostring(result) end
  local told = json.decode(result.out)
  if not told then return nil, ("the simulator has failed: %s%s"):format(result.out, result.err) end
  local violation = told.violations[1]
  if violation then return violation.check, violation.text end
end

---Whether the simulator finds a bug.
---@param plant filo.spec.Plant
---@return boolean
local function look_for(plant, seeds)
  local folder <close> = planted(plant)
  for seed = 1, seeds do
    local check, text = simulate(folder, seed)
    if check then
      print(("found      %-20s with seed %d, after %d node-hours, by '%s': %s"):format(
        plant.name, seed, seed * NODES * HOURS, promises[check], text))
      return true
    elseif text then
      print(("BROKEN     %-20s with seed %d: %s"):format(plant.name, seed, text))
      return false
    end
  end
  print(("NOT FOUND  %-20s in %d node-hours: a user loses %s"):format(plant.name, seeds * NODES * HOURS, plant.loses))
  return false
end

---Names and the number of seeds.
local function read_arguments(given)
  local names, seeds, at = {}, SEEDS, 1
  while given[at] do
    if given[at] == "--seeds" then
      seeds, at = math.tointeger(tonumber(given[at + 1])) or error(USAGE, 0), at + 1
    elseif given[at]:sub(1, 1) == "-" then
      error(USAGE, 0)
    else
      names[given[at]] = true
    end
    at = at + 1
  end
  return names, seeds
end

local names, seeds = read_arguments(arg)
local all, found, count = next(names) == nil, 0, 0
io.stdout:setvbuf "line"
for _, plant in ipairs(plants) do
  if all or names[plant.name] then
    names[plant.name], count = nil, count + 1
    if look_for(plant, seeds) then found = found + 1 end
  end
end
if next(names) then error(("there is no plant called '%s': see spec/planted/plants.lua"):format(next(names)), 0) end
print(("%d of %d were found"):format(found, count))
os.exit(found == count and 0 or 1, true)
