---Does the same with several things at once, some ahead, and gives what came of each in their order.

local at_end = require "filo.host.at_end"
local filo = require "filo"
local new_gate = require "filo.host.gate"
local runtime = require "filo.core.runtime"

---So many at once: each waits for the peers, or for the disk.
local AHEAD = 16

---@generic T
---@param list T[]
---@param fn fun(each: T, i: integer, wait_for_others: fun()): any, filo.Error?  wait_for_others: until all before it are done
---@param most? integer  at once
---@return fun(i: integer): any, filo.Error?  waits until list[i] is done; to be called for 1, 2, ...
return function(list, fn, most)
  most = most or AHEAD
  local tasks, begun = {}, 0
  local ended, done, moved = {}, 0, new_gate(runtime) -- all up to `done` have ended
  local function run(i)
    local _ <close> = at_end(function()
      ended[i] = true
      while ended[done + 1] do
        done = done + 1
        ended[done] = nil
      end
      moved:wake()
    end)
    return fn(list[i], i, function() moved:wait_for(function() return done >= i - 1 end) end)
  end
  return function(i)
    while begun < math.min(i + most - 1, #list) do
      begun = begun + 1
      tasks[begun] = filo.spawn(run, begun):observe()
    end
    local mine = tasks[i]
    tasks[i] = nil
    return mine:join()
  end
end
