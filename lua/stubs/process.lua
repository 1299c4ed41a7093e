---@meta
---Programs in processes of their own. `filo.start` and `filo.run` give scripts what they need of it.

---@class filo.core.process
local core_process = {}

---A program that runs or has ended. One that is closed, by the garbage collector too, before it has ended is killed.
---@class filo.core.Process
local process = {}

---Starts a program, without a shell; waits for a worker, which does that. Texts are packed with a NUL after each.
---@param arguments string the program, looked for in PATH when it has no slash, and its arguments
---@param variables string "NAME=value" beside those of this process, "NAME" to be without that one
---@param folder? string where it is started
---@return filo.core.Process?
---@return integer|filo.Error pid
---@return filo.core.Raw? stdin  to write to
---@return filo.core.Raw? stdout
---@return filo.core.Raw? stderr
function process.start(arguments, variables, folder) end

---Waits until it has ended. One task may.
---@param seconds? number
---@return { status: integer?, signal: integer? }?
---@return filo.Error? err "timeout"
function process:wait(seconds) end

---@param signal string its name without SIG
---@return true?
---@return filo.Error? err "not_found": it has ended; "invalid": no such signal
function process:kill(signal) end

---Kills it, unless it has ended.
function process:close() end

return core_process
