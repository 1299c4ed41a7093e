---Finding the fewest faults with which a simulation still fails: whole kinds are left out first, then halves, quarters and so on (delta
---debugging, Zeller and Hildebrandt 2002).

local new_simulation = require "filo.sim.simulation"
local runtime = require "filo.core.runtime"

local MOST_RUNS, MOST_SECONDS = 200, 120

---Whether a run with these faults only breaks the same promise.
local function fails(search, numbers)
  search.runs = search.runs + 1
  local settings, only = {}, {}
  for name, value in pairs(search.settings) do settings[name] = value end
  for _, number in ipairs(numbers) do only[number] = true end
  settings.only, settings.show, settings.keep = only, nil, nil
  for _, violation in ipairs(new_simulation(settings):run().violations) do
    if violation.check == search.check then return true end
  end
  return false
end

local function may_go_on(search) return search.runs < MOST_RUNS and runtime.now() < search.deadline end

---The numbers without those that belong to a part.
local function without(numbers, is_out)
  local left = {}
  for i, number in ipairs(numbers) do
    if not is_out(i, number) then left[#left + 1] = number end
  end
  return left
end

local function drop_kinds(search, numbers, kind_of)
  local kinds, seen = {}, {}
  for _, number in ipairs(numbers) do
    local kind = kind_of[number]
    if not seen[kind] then kinds[#kinds + 1] = kind end
    seen[kind] = true
  end
  for _, kind in ipairs(kinds) do
    local left = without(numbers, function(_, number) return kind_of[number] == kind end)
    if may_go_on(search) and fails(search, left) then numbers = left end
  end
  return numbers
end

local function drop_parts(search, numbers)
  local parts = 2
  while #numbers > 0 and parts <= 2 * #numbers do
    local size, dropped = math.max(1, #numbers // parts), false
    local from = 1
    while from <= #numbers and may_go_on(search) do
      local first, last = from, from + size - 1
      local left = without(numbers, function(i) return i >= first and i <= last end)
      if fails(search, left) then numbers, dropped = left, true else from = last + 1 end
    end
    if not may_go_on(search) then return numbers end
    if size == 1 and not dropped then return numbers end
    parts = size == 1 and parts or parts * 2
  end
  return numbers
end

---The fewest faults found that make a run of these settings break a promise, in order.
---@param settings filo.sim.Settings
---@param result filo.sim.Result  of the run that failed
---@param check string  the promise
---@return filo.sim.Fault[]
return function(settings, result, check)
  local search = { settings = settings, check = check, runs = 0, deadline = runtime.now() + MOST_SECONDS }
  local numbers, kind_of, by_number = {}, {}, {}
  for i, fault in ipairs(result.schedule) do
    if not settings.only or settings.only[fault.number] then numbers[#numbers + 1] = i end
    kind_of[i], by_number[i] = fault.kind, fault
  end
  numbers = drop_parts(search, drop_kinds(search, numbers, kind_of))
  local list = {}
  for i, number in ipairs(numbers) do list[i] = by_number[number] end
  return list
end
