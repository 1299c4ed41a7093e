---The keys of a node's objects, for completion in `node:get "`.

local filo = require "filo"
local index = require "filo.prompt.help.index"

local MOST = 1000
local SECONDS = 1

---What the first argument of a method is called, in its annotation, where keys are completed.
local ARGUMENTS = { key = true, prefix = true }

local function is_node(object)
  for _, node in ipairs(filo.nodes()) do
    if rawequal(node, object) then return true end
  end
  return false
end

local function takes_key(node, method)
  local found = type(node[method]) == "function" and index.of_function(node[method])
  return found and found.params[1] and ARGUMENTS[found.params[1].name] or false
end

---True when there are no more than are wanted.
local function collect(keys, node, prefix)
  for item in node:keys(prefix) do
    if #keys == MOST then return false end
    keys[#keys + 1] = item.key
  end
  return true
end

---Waits, but not for long: what was found by then is what there is to show.
---@param object any
---@param method string
---@param prefix string
---@return string[] keys  sorted
---@return boolean all  of those that begin so
return function(object, method, prefix)
  local keys = {}
  if not is_node(object) or not takes_key(object, method) then return keys, true end
  local all = filo.timeout(SECONDS, collect, keys, object, prefix)
  table.sort(keys)
  return keys, all == true
end
