---The cluster secret in a file: arguments and environments can be seen by others on the machine.

local errors = require "filo.base.errors"

local cluster_secret = {}

---The secret, without the space around it.
---@param path string
---@return string?, filo.Error?
function cluster_secret.read(path)
  local file <close>, problem = io.open(path)
  local text
  if file then text, problem = file:read "a" end
  if not text then
    local reason = problem:gsub("^.*: ", "")
    return errors.fail("io", ("cannot read the cluster secret in %s: %s"):format(path, reason))
  end
  local trimmed = text:match "^%s*(.-)%s*$"
  if #trimmed < 8 then
    return errors.fail("invalid", ("the cluster secret in %s is too short: 8 bytes or more"):format(path))
  end
  return trimmed
end

return cluster_secret
