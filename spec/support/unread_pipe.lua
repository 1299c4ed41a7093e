---A named pipe that is open, and that nobody reads yet. A process of its own holds it: what this one opens, its children inherit.
---
---    local pipe <close> = new_pipe(folder)          -- folder: spec.support.temp's
---    local full <close> = new_pipe(folder, true)    -- there is no room for a single byte

local process = require "spec.support.process"
local temp = require "spec.support.temp"

---It opens before it is filled, so that who fills it does not wait for a reader.
local COMMAND = "mkfifo %s && exec 3<>%s && %s && echo open && exec sleep 1000"
local FILL = "dd if=/dev/zero oflag=nonblock bs=4096 status=none >&3 2>&- || :"

local Pipe = {}
Pipe.__index = Pipe

---Lets go of it: who reads it comes to its end with the last writer.
function Pipe:close() self.holder:close() end

Pipe.__close = Pipe.close

return function(folder, full)
  local path = folder:file "pipe"
  local quoted = temp.quote(path)
  local holder = process.start { program = "sh", "-c", COMMAND:format(quoted, quoted, full and FILL or ":") }
  holder:expect "open"
  return setmetatable({ path = path, holder = holder }, Pipe)
end
