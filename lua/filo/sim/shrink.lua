---Finding the fewest faults with which a simulation still fails: whole kinds are left out first, then halves, quarters and so on (delta
---debugging, Zeller and Hildebrandt 2002).

local new_simulation = require "filo.sim.simulation"
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"

local MOST_RUNS, MOST_SECONDS = 200, 120

---The violation of a run that is of the same promise and the same object.
local function same(result, sought)
  for _, violation in ipairs(result.violations) do
    if violation.check == sought.check and violation.subject == sought.subject then return violation end
  end
end

---A run with these faults only.
local function run(settings, numbers, keep)
  local changed, only = {}, {}
  for name, value in pairs(settings) do changed[name] = value end
  for _, number in ipairs(numbers) do only[number] = true end
  changed.only, changed.show, changed.keep = only, nil, keep
  return new_simulation(changed):run()
end

---Whether one breaks the same promise. No, when that takes too long to see.
local function fails(search, numbers)
  search.runs = search.runs + 1
  local result = task.timeout(math.max(0, search.deadline - runtime.now()), run, search.settings, numbers)
  return result ~= nil and same(result, search.sought) ~= nil
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

---The fewest faults found that make a run break the same promise of the same object, of those that happened.
---@param result filo.sim.Result  of a run that broke some
---@param sought filo.sim.Violation  one of them
---@return filo.sim.Fault[] fewest  in order
---@return filo.sim.Result again  of a run with these only
---@return filo.sim.Violation?  in that run; nil: it does not come again, though the faults are the same
return function(result, sought)
  local settings = result.settings
  local search = { settings = settings, sought = sought, runs = 0, deadline = runtime.now() + MOST_SECONDS }
  local numbers, kind_of, by_number = {}, {}, {}
  for fault in result.schedule() do
    if result.did_happen[fault.number] then
      numbers[#numbers + 1] = fault.number
      kind_of[fault.number], by_number[fault.number] = fault.kind, fault
    end
  end
  numbers = drop_parts(search, drop_kinds(search, numbers, kind_of))
  local list = {}
  for i, number in ipairs(numbers) do list[i] = by_number[number] end
  local again = run(settings, numbers, true)
  return list, again, same(again, sought)
end
