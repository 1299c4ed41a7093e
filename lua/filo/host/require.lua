---`require` for scripts. As Lua's own, but what it loads may wait, and so make a node; another task that requires the same module
---meanwhile waits for it.

local at_end = require "filo.host.at_end"
local new_gate = require "filo.host.gate"
local runtime = require "filo.core.runtime"

local loaded, package = package.loaded, package

---What is being loaded, by its name: the task that does it, and a gate that opens when it has ended.
---@type table<string, {task: filo.Task?, ended: filo.Gate}>
local loading = {}
local waits_for = setmetatable({}, { __mode = "k" }) -- task -> name of the module that another one loads

local function find(name)
  local tried, searchers = {}, package.searchers
  if type(searchers) ~= "table" then error("'package.searchers' must be a table", 4) end
  for i = 1, math.huge do
    local searcher = searchers[i]
    if searcher == nil then break end
    local loader, extra = searcher(name)
    if type(loader) == "function" then return loader, extra end
    if type(loader) == "string" then tried[#tried + 1] = "\n\t" .. loader end
  end
  error(("module '%s' not found:%s"):format(name, table.concat(tried)), 4)
end

---Whether that is loaded by this task, or by one that waits for what this task loads.
local function is_mine(name, me)
  while name and loading[name] do
    if loading[name].task == me then return true end
    name = waits_for[loading[name].task]
  end
  return false
end

---Waits for the others who load it.
local function wait_for(name, me)
  while loading[name] do
    if is_mine(name, me) then return end -- as ever, to load it again: there would be no end to waiting
    waits_for[me] = name
    local _ <close> = at_end(function() waits_for[me] = nil end)
    loading[name].ended:wait()
  end
end

local function load(name, me)
  local loader, extra = find(name)
  local entry, before = { task = me, ended = new_gate(runtime) }, loading[name]
  loading[name] = entry
  local _ <close> = at_end(function()
    loading[name] = before and not before.ended.is_open and before or nil
    entry.ended:open()
  end)
  local value = loader(name, extra)
  if value ~= nil then loaded[name] = value end
  if loaded[name] == nil then loaded[name] = true end
  return extra
end

---Loads a module, once.
---@param name string
---@return any value, any extra  what the module gave, or true; and, when it is loaded now, where it was found
return function(name)
  if type(name) ~= "string" then error(("bad argument #1 to 'require' (string expected, got %s)"):format(type(name)), 2) end
  if loaded[name] then return loaded[name] end
  local me = runtime.current()
  wait_for(name, me)
  if loaded[name] then return loaded[name] end
  local extra = load(name, me)
  return loaded[name], extra
end
