---The cluster secret in a file: arguments and environments can be seen by others on the machine.

local errors = require "filo.base.errors"

local cluster_secret = {}

---The secret, without the space around it.
---@param path string
---@return string?, filo.Error?
function cluster_secret.read(path)
  local file <close>, _, number = io.open(path)
  local text
  if file then text, _, number = file:read "a" end
  if not text then return errors.of_system(number, "cannot read the cluster secret in " .. path) end
  local trimmed = text:match "^%s*(.-)%s*$"
  if #trimmed < 8 then
    return errors.fail("invalid", ("the cluster secret in %s is too short: 8 bytes or more"):format(path))
  end
  return trimmed
end

return cluster_secret
