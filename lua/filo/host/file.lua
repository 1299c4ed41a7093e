---A file by name, as content: to be stored, or to be sent.

---@class filo.File
---@field path string
---@field descriptor? userdata
local File = {}
File.__index = File
function File:__tostring() return "file " .. self.path end

local file = {}

---A file by name: regular files are read by all cores; pipes and devices until they end; "-" is standard input.
---@param path string
---@param descriptor? userdata  the open file itself, as `raw:take()` gives it; path is then only its name in messages
---@return filo.File
function file.new(path, descriptor)
  if type(path) ~= "string" or path == "" then error("file: a path expected", 2) end
  return setmetatable({ path = path, descriptor = descriptor }, File)
end

---@param value any
---@return boolean
function file.is(value) return getmetatable(value) == File end

return file
