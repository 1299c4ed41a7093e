---A queue: the first leaves, or anyone; each in constant time.

---@class filo.Queue
---@field first integer  where the first is, or a gap that one has left
---@field last integer
---@field at table<any, integer>  where each member is
local Queue = {}
Queue.__index = Queue

---@param member any  not nil, and not in the queue
function Queue:add(member)
  self.last = self.last + 1
  self[self.last], self.at[member] = member, self.last
end

---@return boolean removed
function Queue:remove(member)
  local at = self.at[member]
  if not at then return false end
  self[at], self.at[member] = nil, nil
  return true
end

---Takes the first away.
---@return any?
function Queue:take()
  while self.first <= self.last do
    local member = self[self.first]
    self.first = self.first + 1
    if member ~= nil then
      self[self.first - 1], self.at[member] = nil, nil
      return member
    end
  end
end

---@return filo.Queue
return function() return setmetatable({ first = 1, last = 0, at = {} }, Queue) end
