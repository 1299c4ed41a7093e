---Locks: one task at a time for each key, in the order in which they came. The end of a turn wakes the next in line alone; who is
---cancelled leaves the line, and passes the turn on if it had just come.

local at_end = require "filo.host.at_end"
local new_queue = require "filo.base.queue"

---@class filo.Locks
local Locks = {}
Locks.__index = Locks

---The turn of one ends: the next in line has it, or nobody.
local function pass_on(self, key)
  local line = self.lines[key]
  line.turn = line.waiting:take()
  if line.turn then self.host.wake(line.turn.task) else self.lines[key] = nil end
end

local function wait_in(self, key, line)
  local ticket, came = { task = self.host.current() }, false
  line.waiting:add(ticket)
  local _ <close> = at_end(function()
    if came then return end
    if line.turn == ticket then pass_on(self, key) else line.waiting:remove(ticket) end
  end)
  while line.turn ~= ticket do self.host.suspend() end
  came = true
end

---Waits for its turn with a key, which lasts until the end of the scope. Not to be taken twice by one task.
---@param key any
---@return table  for a `<close>` variable
function Locks:take(key)
  local line = self.lines[key]
  if line then wait_in(self, key, line) else self.lines[key] = { turn = true, waiting = new_queue() } end
  return at_end(function() pass_on(self, key) end)
end

---@param host filo.Host
---@return filo.Locks
return function(host) return setmetatable({ host = host, lines = {} }, Locks) end
