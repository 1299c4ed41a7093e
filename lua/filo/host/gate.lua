---A gate: tasks wait before it until they are let through, all together, in the order in which they came. Who is cancelled, or has
---waited long enough, leaves the line.

---@class filo.Gate
---@field line? filo.Line  of those who wait, once there was one: most gates have none for long
---@field is_open? boolean
local Gate = {}
Gate.__index = Gate

---Waits until `wake` or `open` is called, or the deadline; not at all once it is open.
---@param seconds? number
---@return boolean woken  false when the deadline passed
function Gate:wait(seconds)
  if self.is_open then return true end
  self.line = self.line or self.host.line()
  return self.line:wait(seconds)
end

---Waits until a condition holds, or the deadline. It is looked at now, and whenever somebody is let through.
---@param condition fun(): any
---@param seconds? number
---@return any  what the condition gave
function Gate:wait_for(condition, seconds)
  local host = self.host
  local deadline = seconds and host.now() + seconds
  while true do
    local result = condition()
    local left = deadline and deadline - host.now()
    if result or left and left <= 0 then return result end
    self:wait(left)
  end
end

---Lets through those who wait now.
function Gate:wake()
  if self.line then self.line:wake_all() end
end

---Lets everybody through, for good.
function Gate:open()
  self.is_open = true
  self:wake()
end

---@param host filo.Host
---@return filo.Gate
return function(host) return setmetatable({ host = host }, Gate) end
