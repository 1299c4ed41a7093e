---Whether what lies at a path is an object already.

local attributes = require "filo.command.attributes"
local files = require "filo.command.files"

local present = {}

---By size and time of modification; a symbolic link by where it leads.
---@param item filo.Item
---@param there filo.FileEntry
---@return boolean
function present.looks_same(item, there)
  local kept = attributes.kept(item)
  if kept.kind == "l" then return there.kind == "l" and there.target == kept.target end
  return there.kind == "f" and there.size == item.size and there.modified == kept.modified
    and (kept.nanoseconds == 0 or there.nanoseconds == kept.nanoseconds)
end

---Of both, in bytes, at a time.
local PIECE = 1 << 20

---By its content. What cannot be read to its end differs.
---@param object filo.Object
---@param path string
---@return boolean?, filo.Error?
function present.has_content(object, path)
  local file <close>, problem = files.open(path)
  if not file then return nil, problem end
  while true do
    local piece, err = object:read(PIECE)
    if err then return nil, err end
    if file:read(PIECE) ~= piece then return false end
    if not piece then return true end
  end
end

return present
