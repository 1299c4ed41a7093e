---Hooks: functions that a script hangs on what happens. A `before_...` hook may veto; every one has a deadline, and one that fails is
---reported and changes nothing.

local errors = require "filo.errors"

---Seconds that one hook may take.
local DEADLINE = 5

---@class filo.Hooks
local Hooks = {}
Hooks.__index = Hooks

local KNOWN = {
  before_store = true, stored = true, before_accept = true, accepted = true, before_delete = true, deleted = true,
  peer_up = true, peer_down = true, corrupt = true, copied = true,
}

local function new(host) return setmetatable({ host = host, lists = {} }, Hooks) end

---Adds a hook; a higher priority is called earlier. Returns a function that removes it.
function Hooks:add(name, fn, priority)
  if not KNOWN[name] then
    local names = {}
    for known in pairs(KNOWN) do names[#names + 1] = known end
    table.sort(names)
    error(("no hook '%s'; known are: %s"):format(tostring(name), table.concat(names, ", ")), 3)
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

---Runs one hook as a task with a deadline; gives ok and what it returned.
local function call(host, name, fn, ...)
  local child = host.spawn(fn, ...):observe()
  local _ <close> = setmetatable({}, { __close = function() child:cancel "its time is over" end })
  local results = table.pack(pcall(child.join, child, DEADLINE))
  if child:status() ~= "ended" then
    host.log("error", ("the hook '%s' has not ended after %d s and was stopped"):format(name, DEADLINE))
    return false
  end
  if not results[1] then
    if errors.is_cancelled(results[2]) then return false end -- all is ending
    host.log("error", ("the hook '%s' failed: %s"):format(name, tostring(results[2])))
    return false
  end
  return true, results[2], results[3]
end

---Calls the hooks of an event, one after the other.
function Hooks:run(name, ...)
  for _, entry in ipairs(table.pack(table.unpack(self.lists[name] or {}))) do
    call(self.host, name, entry.fn, ...)
  end
end

---Calls the hooks of an event without waiting for them.
function Hooks:announce(name, ...)
  if self.lists[name] and self.lists[name][1] then self.host.spawn(self.run, self, name, ...) end
end

---Calls `before_...` hooks: nil and an error when one returned false (and a reason).
---@return true?, filo.Error?
function Hooks:allow(name, ...)
  for _, entry in ipairs(table.pack(table.unpack(self.lists[name] or {}))) do
    local ok, allowed, reason = call(self.host, name, entry.fn, ...)
    if ok and allowed == false then
      return errors.fail("denied", ("a '%s' hook refused: %s"):format(name, tostring(reason or "no reason given")))
    end
  end
  return true
end

return new
