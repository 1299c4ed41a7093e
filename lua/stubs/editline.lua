---@meta
---What the prompt is made of: lines typed at a terminal, edited by libedit, or read from a pipe. Waiting for one lets
---everything else go on.

---@class filo.core.editline
local editline = {}

---A line editor on the terminal. May be a `<close>` variable.
---@class filo.core.Editor
local editor = {}

---The lines of standard input. May be a `<close>` variable.
---@class filo.core.Lines
local lines = {}

---Takes the terminal at standard input and output, one at a time. Until it is closed, what the process writes with print,
---io.write and the like appears above the line that is being typed.
---@param complete fun(text: string): string? given the text before the cursor, what Tab inserts; called as a task
---@return filo.core.Editor? editor
---@return filo.Error? err
function editline.open(complete) end

---Reads standard input when it is no terminal.
---@return filo.core.Lines? lines
---@return filo.Error? err
function editline.lines() end

---Shows the prompt and waits for a line. The terminal is raw meanwhile, and only then.
---@param prompt string one line, without control sequences
---@return string? line nil at the end of input
---@return filo.Error? err "cancelled" after interrupt
function editor:read(prompt) end

---Drops the line being typed: what Ctrl-C means.
function editor:interrupt() end

---The terminal has another size: SIGWINCH.
function editor:resize() end

---Stops the process with the terminal as it was, what Ctrl-Z means (SIGTSTP); returns when it goes on.
function editor:stop() end

---@return integer columns of the terminal
function editor:columns() end

---Reads the history from a file; what is added from now on is appended to it. Makes it (mode 0600) and its folder.
---@param path string
---@return true?
---@return filo.Error? err
function editor:load_history(path) end

---Remembers a line, unless it is empty, begins with a space or is the same as the last.
---@param line string
function editor:add_history(line) end

---Restores the terminal.
function editor:close() end

---Waits for the next line.
---@return string? line nil at the end of input
---@return filo.Error? err
function lines:read() end

function lines:close() end

return editline
