---What a node is moving right now: for progress bars and for looking into it.

local at_end = require "filo.host.at_end"

---@class filo.Activity
---@field what "store"|"copy"|"fetch"|"check"  content being sealed here; a copy on its way to a peer; one on its way here; one that a peer
---  reads and checks
---@field key? string  nil: a copy that is held for another identity
---@field peer? string  ID of the node that is sent the copy, or checks its own
---@field bytes integer  moved so far
---@field size integer?  of all, where it is known

---@class filo.Activities
local Activities = {}
Activities.__index = Activities

---@return filo.Activities
local function new() return setmetatable({ moving = {} }, Activities) end

---Notes something that moves, until the end of the scope. bytes() tells how far it is.
---@param what string
---@param about table  key, peer, size
---@param bytes fun(): integer
function Activities:begin(what, about, bytes)
  local entry = { what = what, about = about, bytes = bytes }
  table.insert(self.moving, entry)
  return at_end(function()
    for i, each in ipairs(self.moving) do
      if each == entry then return table.remove(self.moving, i) end
    end
  end)
end

---As Node:activity.
---@return filo.Activity[]
function Activities:list()
  local list = {}
  for i, entry in ipairs(self.moving) do
    local about = entry.about
    list[i] = { what = entry.what, key = about.key, peer = about.peer, size = about.size, bytes = entry.bytes() }
  end
  return list
end

return new
