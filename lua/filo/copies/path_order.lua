---The order in which paths are listed: folder by folder, byte by byte. Of the bytes only, whatever the locale is.

---The byte that a path has at a place, where a slash comes before all that a name may have.
local function byte_at(path, at)
  local byte = path:byte(at)
  return byte == 47 and 0 or byte or -1
end

---Whether a path comes after another.
---@param path string
---@param other string  "": all come after it
---@return boolean
return function(path, other)
  for at = 1, #path do
    local byte, before = byte_at(path, at), byte_at(other, at)
    if byte ~= before then return byte > before end
  end
  return false
end
