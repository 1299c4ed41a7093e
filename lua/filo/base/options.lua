---Option tables: defaults, types, and the nearest name for one that is unknown.

local sorted_keys = require "filo.base.sorted_keys"

local options = {}

---Edits (insert, delete, replace, swap of neighbours) between two short names.
local function distance(a, b)
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local last = row
    row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      local swapped = i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j)
      if swapped then row[j] = math.min(row[j], before[j - 2] + 1) end
    end
    before = last
  end
  return row[#b]
end

---The name of the list that is most like `name`: one edit for each three letters makes it, or fewer.
---@param name string
---@param names string[]
---@return string?
function options.nearest(name, names)
  local best, least
  for _, candidate in ipairs(names) do
    local d = distance(name, candidate)
    if not least or d < least then best, least = candidate, d end
  end
  return least and least <= (#name + 2) // 3 and least < #name and best or nil
end

---The same one each time.
local function first_unknown(given, schema)
  local names = {}
  for name in pairs(given) do
    if not schema[name] then names[tostring(name)] = true end
  end
  return sorted_keys(names)[1]
end

local function unknown(what, name, schema)
  local names = sorted_keys(schema)
  local nearest = options.nearest(tostring(name), names)
  local hint = nearest and ("did you mean '%s'?"):format(nearest) or "known are: " .. table.concat(names, ", ")
  return ("%s: unknown option '%s'; %s"):format(what, tostring(name), hint)
end

---What is wrong with the type of a value.
---@return string?
local function type_problem(what, name, value, rule)
  local kind = math.type(value) or type(value)
  for expected in rule.type:gmatch "[^|]+" do
    if kind == expected or type(value) == expected then return nil end
  end
  local article = rule.type:find "^[aeiou]" and "an" or "a"
  return ("%s: option '%s' must be %s %s, not a %s"):format(what, name, article, rule.type:gsub("|", " or "), type(value))
end

---What is wrong with a value.
---@return string?
local function problem_of(what, name, value, rule)
  if value == nil then return rule.required and ("%s: option '%s' is missing"):format(what, name) or nil end
  local problem = type_problem(what, name, value, rule)
  if problem then return problem end
  problem = rule.check and rule.check(value)
  return problem and ("%s: option '%s' %s"):format(what, name, problem) or nil
end

---Checks a script's option table and gives a copy with defaults. Misuse is an error at the caller's line.
---schema: name -> {type = "string|table", default = any, required = true, check = function(value) return problem end}
---@param what string  for messages: the function that took the table
---@param given? table
---@param schema table
---@param level? integer  as for `error`; 2 is the caller of the function that calls this
---@return table
function options.check(what, given, schema, level)
  level = (level or 2) + 1
  given = given or {}
  if type(given) ~= "table" then error(what .. ": a table of options expected", level) end
  local result = {}
  for name in pairs(given) do
    if not schema[name] then error(unknown(what, first_unknown(given, schema), schema), level) end
  end
  local problems, wrong = {}, nil
  for name, rule in pairs(schema) do
    local value = given[name]
    local problem = problem_of(what, name, value, rule)
    if problem then problems[name], wrong = problem, true end
    if value == nil then value = rule.default end
    result[name] = value
  end
  if wrong then error(problems[sorted_keys(problems)[1]], level) end
  return result
end

return options
