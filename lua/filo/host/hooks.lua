---Hooks: functions that a script hangs on what happens. Every one has a deadline, and one that fails is reported. A `before_...` hook
---may veto, and does so by failing, too: what it guards against must not happen because it is broken. Others change nothing, and
---what any of them is given is a copy.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local inside = require "filo.base.inside"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.Hooks
local Hooks = {}
Hooks.__index = Hooks

local KNOWN = {
  before_store = true, stored = true, before_accept = true, accepted = true, before_delete = true, deleted = true,
  peer_up = true, peer_down = true, corrupt = true, copied = true, conflict = true, member_away = true, member_back = true,
  quota = true, scrubbed = true, missing = true, repaired = true, dropped = true,
}

local function new(host) return setmetatable({ host = host, lists = {} }, Hooks) end

---Adds a hook; a higher priority is called earlier. Returns a function that removes it.
function Hooks:add(name, fn, priority)
  if not KNOWN[name] then
    error(("no hook '%s'; known are: %s"):format(tostring(name), table.concat(sorted_keys(KNOWN), ", ")), 3)
  end
  local list = self.lists[name] or {}
  self.lists[name] = list
  local entry = { fn = fn, priority = priority or 0 }
  local at = #list + 1
  while at > 1 and list[at - 1].priority < entry.priority do at = at - 1 end
  table.insert(list, at, entry)
  return function()
    for i, each in ipairs(list) do
      if each == entry then return table.remove(list, i) end
    end
  end
end

---What a hook is given: a copy of a table, and of those in it; of a peer its face.
local function copy(value)
  if type(value) ~= "table" or inside.of(value) then return value end
  local metatable = getmetatable(value)
  if metatable and value.face then return value.face end
  local made = {}
  for name, each in pairs(value) do made[name] = copy(each) end
  return setmetatable(made, metatable)
end

local function copies(...)
  local list = table.pack(...)
  for i = 1, list.n do list[i] = copy(list[i]) end
  return table.unpack(list, 1, list.n)
end

---Runs one hook as a task with a deadline, which may not compute for long either: true and what it returned, or false and why it failed.
---What it is given is its own.
local function call(host, name, fn, ...)
  local child = host.spawn(pcall, fn, ...):observe():limit(host.limits.compute)
  local _ <close> = at_end(function() child:cancel "its time is over" end)
  local ok, result, reason = child:join(host.limits.hook)
  if ok then return true, result, reason end
  local why = child:status() == "ended" and "failed: " .. errors.text(result)
    or ("has not ended after %g s"):format(host.limits.hook)
  host.log("error", ("the hook '%s' %s"):format(name, why))
  return false, why
end

local function hooks_of(self, name) return table.pack(table.unpack(self.lists[name] or {})) end

---Calls the hooks of an event, one after the other. What is given is for them alone: the last may have it.
local function run(self, name, ...)
  local list = hooks_of(self, name)
  for i = 1, list.n - 1 do call(self.host, name, list[i].fn, copies(...)) end
  if list.n > 0 then call(self.host, name, list[list.n].fn, ...) end
end

---Calls the hooks of an event without waiting for them.
function Hooks:announce(name, ...)
  if self.lists[name] and self.lists[name][1] then self.host.spawn(run, self, name, copies(...)) end
end

---Calls `before_...` hooks: nil and an error when one returned false (and a reason), or failed (the error has `failed`).
---@return true?, filo.Error?
function Hooks:allow(name, ...)
  for _, entry in ipairs(hooks_of(self, name)) do
    local ok, allowed, reason = call(self.host, name, entry.fn, copies(...))
    if not ok then
      return errors.fail("denied", ("the '%s' hook %s, and so refuses"):format(name, allowed), { failed = true })
    end
    if allowed == false then
      return errors.fail("denied", ("a '%s' hook refused: %s"):format(name, errors.text(reason or "no reason given")))
    end
  end
  return true
end

return new
