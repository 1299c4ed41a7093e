---Open descriptors of this process by number, with what they are; `descriptors(path)`: those of that file.

local lfs = require "lfs"

local FOLDER = "/proc/self/fd"

return function(path)
  local open = {}
  for name in lfs.dir(FOLDER) do
    local attributes = lfs.symlinkattributes(FOLDER .. "/" .. name)
    local target = attributes and attributes.target
    if target and not target:find "/fd$" and (not path or target == path) then open[name] = target end
  end
  return open
end
