---What commands tell of a rotation.

local errors = require "filo.base.errors"
local format = require "filo.base.format"

local rotation = {}

---What nobody is to be mistaken about.
rotation.KEPT = "Who could read before keeps what he has read, and the keys to the content of the versions that he could read."

---@param progress filo.Progress
---@param status filo.Rotation
function rotation.show(progress, status)
  if status.left == 0 and status.peers > 0 then
    progress:count(("telling %s"):format(format.count(status.peers, "peer", "peers")), 0, 0, "")
  else
    progress:count("new records", status.total - status.left, status.total, "objects")
  end
end

---"rotation: 3 of 100 objects left" without its first word; nil: nothing is left.
---@param status filo.Rotation
---@return string?
function rotation.left(status)
  local peers = status.peers > 0 and format.count(status.peers, "peer", "peers") .. " to be told" or nil
  local left = status.left > 0 and ("%s of %s left"):format(format.number(status.left), format.count(status.total, "object", "objects"))
  local text = left and peers and left .. ", " .. peers or left or peers
  if not text then return nil end
  return status.problem and text .. "; the last try: " .. format.printable(status.problem) or text
end

---@param status filo.Rotation
function rotation.text(status)
  local left = rotation.left(status)
  local sentence = "The keys are changed (generation %d), and %s"
  local rest = "all that is here has the new ones. Copies at peers that are away get theirs when they come."
  if left then rest = ("what is stored from now on has the new ones. %s: the node goes on by itself."):format(left) end
  return sentence:format(status.generation, rest)
end

---@param status filo.Rotation
---@return filo.Error
function rotation.undone(status)
  return errors.new("io", ("the keys are changed, but not all objects have the new ones yet: %s; the node tries again by itself"):format(
    status.problem))
end

return rotation
