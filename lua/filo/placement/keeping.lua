---How many versions of an object are kept that others took the place of: what a policy says in `keep_versions`, a number, or numbers by
---class, with `default` for the others.

local sorted_keys = require "filo.base.sorted_keys"

local keeping = {}

---So many at most: each may be as large as the object.
keeping.MOST = 100

local function is_count(n) return math.type(n) == "integer" and n >= 0 and n <= keeping.MOST end

local function is_class(n) return n == "default" or math.type(n) == "integer" and n >= 0 and n <= 255 end

---What is wrong with it.
---@param given any
---@return string?
function keeping.problem(given)
  if given == nil then return nil end
  if type(given) ~= "table" then
    return not is_count(given) and ("must be 0 to %d versions"):format(keeping.MOST) or nil
  end
  for class, count in pairs(given) do
    if not (is_class(class) and is_count(count)) then return ("must have 0 to %d versions for each class"):format(keeping.MOST) end
  end
end

---@param given? integer|table<integer|"default", integer>
---@param class integer
---@return integer
function keeping.of(given, class)
  if type(given) ~= "table" then return given or 0 end
  return given[class] or given.default or 0
end

---A byte for each class, as the store takes it.
---@param given? integer|table<integer|"default", integer>
---@return string
function keeping.text(given)
  local bytes = {}
  for class = 0, 255 do bytes[class + 1] = string.char(keeping.of(given, class)) end
  return table.concat(bytes)
end

---What holds where each class has a policy of its own.
---@param default filo.Policy
---@param by_class table<integer, filo.Policy>
---@return integer|table|nil
function keeping.by_class(default, by_class)
  local said = default.keep_versions ~= nil
  for _, class in ipairs(sorted_keys(by_class)) do said = said or by_class[class].keep_versions ~= nil end
  if not said then return nil end
  local counts = { default = keeping.of(default.keep_versions, -1) }
  if type(default.keep_versions) == "table" then
    for class, count in pairs(default.keep_versions) do counts[class] = count end
  end
  for class, policy in pairs(by_class) do counts[class] = keeping.of(policy.keep_versions, class) end
  return counts
end

---The most of what two say.
---@param a filo.Policy
---@param b filo.Policy
---@return integer|table|nil
function keeping.most(a, b)
  local first, second = a.keep_versions, b.keep_versions
  if first == nil or second == nil then return first or second end
  if type(first) ~= "table" and type(second) ~= "table" then return math.max(first, second) end
  local counts = { default = math.max(keeping.of(first, -1), keeping.of(second, -1)) }
  for class = 0, 255 do
    local count = math.max(keeping.of(first, class), keeping.of(second, class))
    if count ~= counts.default then counts[class] = count end
  end
  return counts
end

return keeping
