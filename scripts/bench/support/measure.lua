---Medians of what is done in turns, so that what else the machine does meanwhile falls on all alike.

local filo = require "filo"

local measure = {}

---@param list number[]  is sorted
---@return number
function measure.median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

---@param fn fun()
---@return number seconds
function measure.seconds(fn)
  local began = filo.now()
  fn()
  return filo.now() - began
end

---Does each work in turn, so many times over, and gives the medians of the figures that each gives.
---@param runs integer
---@param works { [1]: string, [2]: fun(run: integer): number... }[]  a name and what is to be done
---@return table<string, number[]>  by name: a median for each figure
function measure.in_turns(runs, works)
  local figures = {}
  for run = 1, runs do
    for _, work in ipairs(works) do
      local name, fn = work[1], work[2]
      figures[name] = figures[name] or {}
      for i, value in ipairs { fn(run) } do
        figures[name][i] = figures[name][i] or {}
        table.insert(figures[name][i], value)
      end
    end
  end
  for _, lists in pairs(figures) do
    for i, list in ipairs(lists) do lists[i] = measure.median(list) end
  end
  return figures
end

---The seconds that half of so many calls stay below.
---@param count integer
---@param fn fun(number: integer)
---@return number
function measure.latency(count, fn)
  local list = {}
  for number = 1, count do list[number] = measure.seconds(function() fn(number) end) end
  return measure.median(list)
end

---How often a second fn can be called when so many calls are under way at a time.
---@param count integer
---@param in_flight integer
---@param fn fun(number: integer)
---@return number
function measure.rate(count, in_flight, fn)
  local began, next_number, tasks = filo.now(), 0, {}
  for i = 1, in_flight do
    tasks[i] = filo.spawn(function()
      while next_number < count do
        next_number = next_number + 1
        fn(next_number)
      end
    end)
  end
  for _, task in ipairs(tasks) do task:join() end
  return count / (filo.now() - began)
end

return measure
