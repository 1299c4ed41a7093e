---What a node is moving right now: for progress bars and for looking into it.

local at_end = require "filo.host.at_end"

local activity = {}

---@class filo.Activity
---@field what "store"|"copy"|"fetch"  content being sealed here; a copy on its way to a peer; one on its way here
---@field key string
---@field peer? string  ID of the node that is sent the copy
---@field bytes integer  moved so far
---@field size integer?  of all, where it is known

---Notes something that moves, until the end of the scope. bytes() tells how far it is.
---@param what string
---@param about table  key, peer, size
---@param bytes fun(): integer
function activity.begin(node, what, about, bytes)
  local entry = { what = what, about = about, bytes = bytes }
  table.insert(node.moving, entry)
  return at_end(function()
    for i, each in ipairs(node.moving) do
      if each == entry then return table.remove(node.moving, i) end
    end
  end)
end

---As Node:activity.
---@return filo.Activity[]
function activity.list(node)
  local list = {}
  for i, entry in ipairs(node.moving) do
    local about = entry.about
    list[i] = { what = entry.what, key = about.key, peer = about.peer, size = about.size, bytes = entry.bytes() }
  end
  return list
end

return activity
