---Locks: one task at a time for each key, in the order in which they came. The end of a turn wakes the next in line alone; who is
---cancelled leaves the line, and passes the turn on if it had just come.

local at_end = require "filo.host.at_end"
local new_queue = require "filo.base.queue"

---@class filo.Locks
local Locks = {}
Locks.__index = Locks

---Who has a key's turn, and who waits for it.
---@class filo.LockLine
---@field turn any  a ticket of who waited; true: of who came first
---@field waiting? filo.Queue  once there was somebody
local Line = {}

---The turn of one ends: the next in line has it, or nobody.
local function pass_on(line)
  line.turn = line.waiting and line.waiting:take()
  if line.turn then line.locks.host.wake(line.turn.task) else line.locks.lines[line.key] = nil end
end

Line.__close = pass_on

local function wait_in(self, line)
  local ticket, came = { task = self.host.current() }, false
  line.waiting = line.waiting or new_queue()
  line.waiting:add(ticket)
  local _ <close> = at_end(function()
    if came then return end
    if line.turn == ticket then pass_on(line) else line.waiting:remove(ticket) end
  end)
  while line.turn ~= ticket do self.host.suspend() end
  came = true
end

---Waits for its turn with a key, which lasts until the end of the scope. Not to be taken twice by one task.
---@param key any
---@return table  for a `<close>` variable
function Locks:take(key)
  local line = self.lines[key]
  if line then
    wait_in(self, line)
    return line
  end
  line = setmetatable({ locks = self, key = key, turn = true }, Line)
  self.lines[key] = line
  return line
end

---@param host filo.Host
---@return filo.Locks
return function(host) return setmetatable({ host = host, lines = {} }, Locks) end
