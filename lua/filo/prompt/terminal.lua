---The terminal of the prompt: a line editor with history, signals and completion.

local editline = require "filo.core.editline"
local runtime = require "filo.core.runtime"

local MAX_NAMES = 200

---@class filo.Terminal
local Terminal = {}
Terminal.__index = Terminal

local function history_path()
  local state = os.getenv "XDG_STATE_HOME"
  local home = os.getenv "HOME"
  if state and state:sub(1, 1) == "/" then return state .. "/filo/history" end
  return home and home ~= "" and home .. "/.local/state/filo/history" or nil
end

local function width_of(name) return utf8.len(name) or #name end

---Names side by side, as wide as the terminal.
local function columns(names, width)
  local widest, lines = 0, {}
  for _, name in ipairs(names) do widest = math.max(widest, width_of(name) + 2) end
  local a_line = math.max(1, width // widest)
  local count = math.min(#names, MAX_NAMES)
  for first = 1, count, a_line do
    local line = {}
    for i = first, math.min(first + a_line - 1, count) do
      line[#line + 1] = names[i] .. (" "):rep(widest - width_of(names[i]))
    end
    lines[#lines + 1] = table.concat(line):gsub(" +$", "")
  end
  if count < #names then lines[#lines + 1] = ("... %d more"):format(#names - count) end
  return table.concat(lines, "\n")
end

---Waits for a line. Ctrl-C drops it, Ctrl-Z stops the process with the terminal as it was.
---@param prompt string
---@return string? line  nil at the end of input
---@return filo.Error? err  the line was dropped
function Terminal:read(prompt)
  self.reading = true
  runtime.on_signal("TSTP", function() self.editor:stop() end)
  local line, err = self.editor:read(prompt)
  runtime.on_signal("TSTP", nil)
  self.reading = false
  if line then self.editor:add_history(line) end
  return line, err
end

function Terminal:close()
  for _, signal in ipairs { "INT", "WINCH" } do runtime.on_signal(signal, nil) end
  self.editor:close()
end

---@param complete fun(text: string): string, string[]  what could follow the text before the cursor, and the names that it could become
---@param interrupt fun()  Ctrl-C while no line is typed
---@return filo.Terminal
return function(complete, interrupt)
  local self = setmetatable({ reading = false }, Terminal)
  self.editor = assert(editline.open(function(text)
    local insert, names = complete(text)
    if insert == "" and #names > 1 then io.stdout:write(columns(names, self.editor:columns()), "\n") end
    return insert
  end))
  local path = history_path()
  local ok, err = true, nil
  if path then ok, err = self.editor:load_history(path) end
  if not ok then io.stdout:write("lines will not be remembered: ", tostring(err), "\n") end
  runtime.on_signal("INT", function()
    if self.reading then self.editor:interrupt() else interrupt() end
  end, true)
  runtime.on_signal("WINCH", function() self.editor:resize() end)
  return self
end
