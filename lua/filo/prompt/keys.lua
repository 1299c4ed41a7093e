---The keys of a node's objects, for completion in `node:get "`.

local host = require "filo.host.real"
local task = require "filo.host.task"

local MOST = 1000
local SECONDS = 1

---Methods of a node whose first argument is a key.
local METHODS = { delete = true, evict = true, get = true, has = true, list = true, stat = true, store = true, verify = true }

local function is_node(object)
  for _, node in ipairs(host.nodes()) do
    if rawequal(node, object) then return true end
  end
  return false
end

---True when there are no more than are wanted.
local function collect(keys, node, prefix)
  for item in node:list(prefix) do
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
  if not METHODS[method] or not is_node(object) then return keys, true end
  local all = task.timeout(SECONDS, collect, keys, object, prefix)
  table.sort(keys)
  return keys, all == true
end
