---What a reader was given, in words.

local format = require "filo.base.format"

---@param reader filo.Reader
---@return string
return function(reader)
  if reader.access == "write" then return "all objects, and the keys to write" end
  return reader.key and format.printable(reader.key) or "all objects"
end
