---@meta
---The Lua files within the binary: Filo's modules, and the stubs that describe what is written in C.

---@class filo.core.modules
local modules = {}

---@return string[] files such as "filo/node.lua" and "stubs/crypto.lua"
function modules.files() end

---@param file string
---@return string? source
function modules.source(file) end

return modules
