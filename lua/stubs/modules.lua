---@meta
---The Lua files within the binary: Filo's modules, and the stubs that describe what is written in C; and where Lua looks for others.

---@class filo.core.modules
local modules = {}

---@return string[] files such as "filo/node.lua" and "stubs/crypto.lua"
function modules.files() end

---@param file string  of these, or another one that is embedded beside them, such as "filo/command/web/page/page.css"
---@return string? source
function modules.source(file) end

---Where a folder of FILO_PATH has a file that takes the place of the embedded one.
---@param file string
---@return string? path
function modules.override(file) end

---Gives back memory that only the start of a process took: of the sources of modules, which are loaded by then, and what is free.
function modules.let_go() end

---What package.path and package.cpath are when the environment says nothing.
---@return string path, string cpath
function modules.default_paths() end

return modules
